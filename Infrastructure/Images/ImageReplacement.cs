using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Images;

/// <summary>Stores an image and shows it on a profile in place of the previous one (docs/adr/0003-two-stores.md).</summary>
sealed class ImageReplacement(ProfilesDbContext db, ImageSettlement images)
{
    /// <summary>
    /// Returns the image that the profile shows now. Whatever it throws, the profile keeps its previous image:
    /// <see cref="ImageStorageException"/>, <see cref="UserDeletedException"/>, or what <paramref name="show"/> throws.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="processed">The image to store.</param>
    /// <param name="storage">Where it is stored.</param>
    /// <param name="show">
    /// Makes the new image from the previous one, if any, and the new key and url; under the row lock, after the image is stored.
    /// </param>
    /// <param name="ct">Cancels storing; not what follows, since the client could not tell whether the image is shown.</param>
    /// <param name="evenDisabled">Whether a disabled account's image is replaced too.</param>
    /// <param name="verify">Throws when what was stored under the new key and url is not what it should be.</param>
    public async Task<ProfileImage> ReplaceAsync(
        long userId, ProcessedImage processed, IImageStorage storage, Func<ProfileImage?, string, string, ProfileImage> show,
        CancellationToken ct, bool evenDisabled = false, Func<string, string, Task>? verify = null)
    {
        // Saved before anything is stored, so that a crash leaves no image without an outbox entry.
        var entry = images.NewEntry(storage.Store, OutboxState.Storing, userId, storage.KeyFor(processed));
        db.ChangeTracker.Clear();
        db.Outbox.Add(entry);
        await db.SaveChangesAsync(ct);
        (ProfileImage Image, OutboxEntry? Removal) shown;
        try
        {
            var url = await storage.SaveAsync(entry, processed, ct);
            // A local image loads only once it is published, and the row lock must not wait for a network.
            if (verify is not null && !storage.SettlesUnderLock)
                await verify(entry.Key, url);
            shown = await ShowAsync(
                entry, storage, evenDisabled, before => show(before, entry.Key, url), () => verify?.Invoke(entry.Key, url));
        }
        catch (Exception e)
        {
            await images.TryAbandonAsync(entry, e);
            throw;
        }
        // The profile shows the image now; the outbox retries what fails from here on.
        if (storage.SettlesUnderLock)
            await images.TrySettleAsync(entry);
        if (shown.Removal is not null)
            await images.TrySettleAsync(shown.Removal);
        return shown.Image;
    }

    // Returns the outbox entry that deletes the previous image; null when there was none.
    Task<(ProfileImage Image, OutboxEntry? Removal)> ShowAsync(
        OutboxEntry entry, IImageStorage storage, bool evenDisabled, Func<ProfileImage?, ProfileImage> show, Func<Task?> verify) =>
        db.ChangeLockedProfileAsync(entry.UserId, async profile =>
        {
            if (profile is null || !(evenDisabled || await db.IsEnabledAsync(entry.UserId, CancellationToken.None)))
                throw new UserDeletedException();
            if (await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id && e.State == OutboxState.Storing, CancellationToken.None)
                is not { } current)
                throw new ImageStorageException("Storing took so long that the outbox treated the image as abandoned.");
            if (storage.SettlesUnderLock)
                current.State = OutboxState.Settling;
            else
                db.Outbox.Remove(current);
            var image = show(profile.Image);
            var removal = profile.Image is { } before && before.Key != image.Key ? images.AddRemoval(entry.UserId, before) : null;
            profile.Image = image;
            await db.SaveChangesAsync(CancellationToken.None);
            await storage.PublishAsync(entry);
            if (storage.SettlesUnderLock && verify() is { } verified)
                await verified;
            return (image, removal);
        });
}
