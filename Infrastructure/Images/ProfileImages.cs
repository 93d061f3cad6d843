using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps the two stores of a picture in step, the profile's row and the image storage, in an order in which no failure and no crash
/// leaves a row that names a picture which is not there, also with several instances (docs/adr/0003-two-stores.md).
/// </summary>
sealed class ProfileImages(
    ProfilesDbContext db, DecodePool decoders, UploadMemory memory, IImageStorage storage, LocalImageStorage local, CloudinaryImageStorage cloudinary, ImageAddress address, ILogger<ProfileImages> log)
{
    /// <summary>Where a picture is kept while it arrives.</summary>
    public UploadBuffer Receive() => new(memory);

    /// <summary>
    /// Puts a picture up in place of the one that is there and answers its address. Throws <see cref="InvalidImageException"/>,
    /// <see cref="TooManyPixelsException"/>, <see cref="ImageStorageException"/>; the profile then shows what it showed.
    /// </summary>
    public async Task<string> PutUpAsync(long userId, UploadBuffer upload, CancellationToken ct)
    {
        var picture = await decoders.ProcessAsync(upload, ct);
        var stored = await storage.SaveAsync(userId, picture, ct);
        StoredImage? gone;
        try
        {
            // Not to be cancelled from here on: whether it was done would be unknown.
            gone = await ShowAsync(userId, stored);
        }
        catch
        {
            await TrySettleAsync(userId, stored);
            throw;
        }
        // What fails now leaves a remainder; the picture is shown.
        await TrySettleAsync(userId, gone);
        return address.Of(stored.Url)!;
    }

    /// <summary>Takes the picture down; false when there is none. Throws <see cref="ImageStorageException"/>; the profile then shows it again.</summary>
    public async Task<bool> TakeDownAsync(long userId)
    {
        StoredImage? gone;
        try
        {
            gone = await ShowAsync(userId, null);
        }
        catch
        {
            await TrySettleAsync(userId, null);
            throw;
        }
        try
        {
            // Also when there is none: a removal that was cut short is ended by the next.
            await SettleAsync(userId, gone);
        }
        catch (ImageStorageException) when (gone is not null)
        {
            await LockedAsync(userId, profile =>
            {
                if (profile is { ImageKey: null })
                    (profile.ImageKey, profile.ImageUrl) = (gone.Key, gone.Url);
                return Task.FromResult(true);
            });
            throw;
        }
        return gone is not null;
    }

    /// <summary>Ends what a crash interrupted: puts a local picture that was published into its place, or removes it when the profile does not name it.</summary>
    public Task RecoverAsync(long userId, string key) => SettleAsync(userId, LocalImageStorage.Stored(userId, key));

    // What the profile showed before.
    Task<StoredImage?> ShowAsync(long userId, StoredImage? image) => LockedAsync(userId, async profile =>
    {
        if (profile is null)
            throw new ImageStorageException("The user was removed meanwhile.");
        var before = Shown(profile);
        if (before is null && image is null)
            return null;
        (profile.ImageKey, profile.ImageUrl) = (image?.Key, image?.Url);
        await db.SaveChangesAsync(CancellationToken.None);
        if (image is not null)
            await storage.PublishAsync(userId, image);
        else
            await (before!.IsLocal ? local : storage).WithdrawAsync(userId, before);
        return before;
    });

    // The row decides, read under its lock: a commit whose answer was lost may have been done, and another instance may have put up another picture.
    async Task SettleAsync(long userId, StoredImage? gone)
    {
        var shown = await LockedAsync(userId, async profile =>
        {
            var image = profile is null ? null : Shown(profile);
            // Local pictures of a user have one name in turn, so only who holds the lock may touch it. Cloudinary's have each their own, and no lock waits for a network.
            if (storage == local || gone is { IsLocal: true })
                await local.SettleAsync(userId, gone is { IsLocal: true } ? gone : null, image is { IsLocal: true } ? image.Key : null);
            return image;
        });
        if (gone is { IsLocal: false } && gone.Key != shown?.Key)
            await cloudinary.SettleAsync(userId, gone, null);
    }

    async Task TrySettleAsync(long userId, StoredImage? gone)
    {
        try
        {
            await SettleAsync(userId, gone);
        }
        catch (Exception e)
        {
            // The caller has its answer already.
            log.LogError(e, "A picture that no profile shows may be left: {Key}.", gone?.Key);
        }
    }

    static StoredImage? Shown(UserProfile profile) => profile.ImageKey is null ? null : new(profile.ImageKey, profile.ImageUrl!);

    // One change of a user's picture at a time, on all instances: an update locks the row (on SQLite, the file) until the transaction ends, however it ends.
    async Task<T> LockedAsync<T>(long userId, Func<UserProfile?, Task<T>> change)
    {
        db.ChangeTracker.Clear();
        await using var transaction = await db.Database.BeginTransactionAsync(CancellationToken.None);
        await db.UserProfiles.Where(p => p.UserId == userId).ExecuteUpdateAsync(p => p.SetProperty(x => x.Version, x => x.Version), CancellationToken.None);
        var result = await change(await db.UserProfiles.SingleOrDefaultAsync(p => p.UserId == userId, CancellationToken.None));
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }
}
