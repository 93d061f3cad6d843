using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Makes the image storage agree with the profile's row, whatever fails or crashes in between: every image that a row names exists, and
/// every stored image has a row or an outbox entry (docs/adr/0003-two-stores.md).
/// </summary>
sealed class ImageSettlement(
    ProfilesDbContext db, ImageStorages storages, IOptions<ImagesOptions> options, TimeProvider clock, ILogger<ImageSettlement> log)
    : IOutboxHandler
{
    /// <summary>An entry that the outbox picks up once its request must have ended.</summary>
    public OutboxEntry NewEntry(OutboxStore store, OutboxState state, long userId, string key)
    {
        var now = ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);
        return new() { Store = store, State = state, UserId = userId, Key = key, CreatedAt = now, DueAt = now + options.Value.Grace };
    }

    /// <summary>Adds the deletion of an image that the profile's row no longer names. The caller saves.</summary>
    public OutboxEntry AddRemoval(long userId, ProfileImage image)
    {
        var entry = NewEntry(ImageStorages.StoreOf(image), OutboxState.Settling, userId, image.Key);
        db.Outbox.Add(entry);
        return entry;
    }

    Task IOutboxHandler.HandleAsync(OutboxEntry entry, CancellationToken stopping) => SettleAsync(entry);

    /// <summary>Makes the storage agree with the row. Throws <see cref="ImageStorageException"/> for a retry.</summary>
    public async Task SettleAsync(OutboxEntry entry)
    {
        var storage = storages.Of(entry.Store);
        var settled = await db.ChangeLockedProfileAsync(entry.UserId, async profile =>
        {
            var current = await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id, CancellationToken.None);
            var shown = profile?.Image is { } image && storages.Of(image) == storage ? image.Key : null;
            if (storage.SettlesUnderLock)
            {
                // Also when the entry is already deleted: the upload may have continued after that.
                await storage.SettleAsync(entry, shown);
                await DeleteEntryAsync(entry);
                return (Entry: (OutboxEntry?)null, Shown: shown);
            }
            if (current is null)
                return (Entry: (OutboxEntry?)null, Shown: shown);
            // From here on no profile may show the image, whatever the storage answers.
            if (shown != current.Key)
                current.State = current.State is OutboxState.Storing or OutboxState.Abandoned
                    ? OutboxState.Abandoned
                    : OutboxState.Removing;
            return (Entry: (OutboxEntry?)current, Shown: shown);
        });
        if (settled.Entry is null)
            return;
        var outcome = await storage.SettleAsync(settled.Entry, settled.Shown);
        // The storage may still carry out a call that it did not answer.
        if (outcome == Settlement.Missing && clock.GetUtcNow().UtcDateTime - settled.Entry.CreatedAt < 2 * options.Value.Grace)
            throw new ImageStorageException("An image that was being stored is still missing.");
        await db.ChangeLockedProfileAsync(entry.UserId, async profile =>
        {
            // A request whose deletion seemed to fail may have restored the row.
            var removed = settled.Shown != entry.Key || outcome == Settlement.Lost;
            if (removed && profile?.Image?.Key == entry.Key)
            {
                log.LogWarning("Image {Key} is gone although its deletion seemed to fail; the profile now shows none.", entry.Key);
                profile.Image = null;
            }
            return await DeleteEntryAsync(settled.Entry);
        });
    }

    /// <summary>Settles without failing the request: the outbox retries.</summary>
    public Task TrySettleAsync(OutboxEntry entry) => TryAsync(entry, () => SettleAsync(entry));

    /// <summary>Deletes an entry for which nothing is left to do.</summary>
    public Task<int> DeleteEntryAsync(OutboxEntry entry) =>
        db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);

    /// <summary>Cleans up after a failed upload as far as its outcome is known; the outbox does the rest.</summary>
    public Task TryAbandonAsync(OutboxEntry entry, Exception failure) => TryAsync(entry, async () =>
    {
        if (failure is ImageStorageException { Refused: true })
        {
            await DeleteEntryAsync(entry);
        }
        else if (storages.Of(entry.Store).SettlesUnderLock)
        {
            await SettleAsync(entry);
        }
        else
        {
            // The request does not wait twice for a storage that does not answer. A slow upload may have outlived its entry: the outbox
            // looked for the image, did not find it and deleted the entry, and the image may exist now.
            db.ChangeTracker.Clear();
            if (await db.Outbox.AnyAsync(e => e.Id == entry.Id, CancellationToken.None))
                return;
            db.Outbox.Add(NewEntry(entry.Store, OutboxState.Abandoned, entry.UserId, entry.Key));
            await db.SaveChangesAsync(CancellationToken.None);
        }
    });

    async Task TryAsync(OutboxEntry entry, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e)
        {
            log.LogError(e, "Cleaning up image {Key}, which no profile shows, failed; the outbox retries.", entry.Key);
        }
    }
}
