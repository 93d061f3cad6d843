using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps the two stores of a picture in step, the profile's row and the image storage, in an order in which no failure and no crash
/// leaves a row that names a picture which is not there (docs/adr/0003-two-stores.md).
/// </summary>
sealed class ProfileImages(ProfilesDbContext db, ImagePipeline pipeline, IImageStorage storage, ImageTurns turns, ImageAddress address, TimeProvider clock)
{
    /// <summary>
    /// Puts a picture up in place of the one that is there and answers its address. Throws <see cref="InvalidImageException"/>,
    /// <see cref="TooManyPixelsException"/>, <see cref="ImageStorageException"/>; the profile then shows what it showed.
    /// </summary>
    public async Task<string> PutUpAsync(long userId, byte[] upload, CancellationToken ct)
    {
        var picture = await pipeline.ProcessAsync(upload, ct);
        using var turn = await turns.TakeAsync(userId, ct);
        var previous = await ShownAsync(userId, ct);
        var stored = await storage.SaveAsync(userId, picture, ct);
        try
        {
            // Not to be cancelled from here on: whether it was done would be unknown.
            await ShowAsync(userId, previous, stored);
        }
        catch
        {
            await storage.DiscardAsync(userId, stored.Key);
            throw;
        }
        await storage.ReplaceAsync(userId, stored.Key, previous?.Key);
        return address.Of(stored.Url)!;
    }

    /// <summary>Takes the picture down; false when there is none. Throws <see cref="ImageStorageException"/>; the profile then shows it again.</summary>
    public async Task<bool> TakeDownAsync(long userId, CancellationToken ct)
    {
        using var turn = await turns.TakeAsync(userId, ct);
        if (await ShownAsync(userId, ct) is not { } shown)
            return false;
        await ShowAsync(userId, shown, null);
        try
        {
            await storage.DeleteAsync(userId, shown.Key);
        }
        catch (ImageStorageException)
        {
            await ShowAsync(userId, null, shown);
            throw;
        }
        return true;
    }

    async Task<StoredImage?> ShownAsync(long userId, CancellationToken ct)
    {
        var profile = await db.UserProfiles.Where(p => p.UserId == userId).Select(p => new { p.ImageKey, p.ImageUrl }).SingleAsync(ct);
        return profile.ImageKey is null ? null : new(profile.ImageKey, profile.ImageUrl!);
    }

    async Task ShowAsync(long userId, StoredImage? from, StoredImage? to)
    {
        var (before, key, url, now) = (from?.Key, to?.Key, to?.Url, clock.GetUtcNow().UtcDateTime);
        var changed = await db.UserProfiles.Where(p => p.UserId == userId && p.ImageKey == before)
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.ImageKey, key).SetProperty(x => x.ImageUrl, url)
                .SetProperty(x => x.Version, x => x.Version + 1).SetProperty(x => x.UpdatedAt, now), CancellationToken.None);
        if (changed != 1)
            throw new ImageStorageException("The profile's picture was changed or its user removed in between.");
    }
}
