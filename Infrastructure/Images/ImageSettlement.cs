using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Makes the image storage agree with the profile's row, whatever fails or crashes in between: no row names an image that is not there, and no
/// image is kept that no row names and no outbox entry remembers (docs/adr/0003-two-stores.md).
/// </summary>
sealed class ImageSettlement(
    ProfilesDbContext db, ImageStorages storages, IOptions<ImagesOptions> options, TimeProvider clock, ILogger<ImageSettlement> log) : IOutboxHandler
{
    /// <summary>An entry that the outbox takes up when whoever makes it must have ended or died.</summary>
    public OutboxEntry NewEntry(OutboxStore store, OutboxState state, long userId, string key)
    {
        var now = ProfilesDbContext.AsKept(clock.GetUtcNow().UtcDateTime);
        return new() { Store = store, State = state, UserId = userId, Key = key, CreatedAt = now, DueAt = now + options.Value.Grace };
    }

    /// <summary>Adds the removal of an image that its profile's row names no more. The caller saves.</summary>
    public OutboxEntry AddRemoval(long userId, ProfileImage image)
    {
        var entry = NewEntry(ImageStorages.StoreOf(image), OutboxState.Settling, userId, image.Key);
        db.Outbox.Add(entry);
        return entry;
    }

    Task IOutboxHandler.SettleAsync(OutboxEntry entry, CancellationToken stopping) => SettleAsync(entry);

    /// <summary>Makes the storage agree with the row. Throws <see cref="ImageStorageException"/> when it has to be tried again.</summary>
    public async Task SettleAsync(OutboxEntry entry)
    {
        var storage = storages.Of(entry.Store);
        var settled = await db.LockedAsync(entry.UserId, async profile =>
        {
            var current = await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id, CancellationToken.None);
            var shown = profile?.Image is { } image && storages.Of(image) == storage ? image.Key : null;
            if (storage.SettlesUnderLock)
            {
                // Also when another has done it already: whoever stored may have gone on after that.
                await storage.SettleAsync(entry, shown);
                await ForgetAsync(entry);
                return (Entry: (OutboxEntry?)null, Shown: shown);
            }
            if (current is null)
                return (Entry: (OutboxEntry?)null, Shown: shown);
            // From now on nobody shows it any more, whatever the storage answers.
            if (shown != current.Key)
                current.State = current.State is OutboxState.Storing or OutboxState.Abandoned ? OutboxState.Abandoned : OutboxState.Removing;
            return (Entry: (OutboxEntry?)current, Shown: shown);
        });
        if (settled.Entry is null)
            return;
        var outcome = await storage.SettleAsync(settled.Entry, settled.Shown);
        // A call that was not answered may still be carried out there.
        if (outcome == Settlement.NotThere && clock.GetUtcNow().UtcDateTime - settled.Entry.CreatedAt < 2 * options.Value.Grace)
            throw new ImageStorageException("An image that was being stored is not there yet.");
        await db.LockedAsync(entry.UserId, async profile =>
        {
            // Whoever waited for the removal may have believed that it failed, and set the row again.
            var removed = settled.Shown != entry.Key || outcome == Settlement.Lost;
            if (removed && profile?.Image?.Key == entry.Key)
            {
                log.LogWarning("Image {Key} was believed to be there and is gone: the profile shows none now.", entry.Key);
                profile.Image = null;
            }
            return await ForgetAsync(settled.Entry);
        });
    }

    /// <summary>Settles where the caller has its answer already, or a worse fault to report: the outbox tries again.</summary>
    public Task TrySettleAsync(OutboxEntry entry) => TryAsync(entry, () => SettleAsync(entry));

    /// <summary>Forgets an entry, for there is nothing to do.</summary>
    public Task<int> ForgetAsync(OutboxEntry entry) => db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);

    /// <summary>Clears up behind an upload that failed, as far as it is known what became of it; the outbox does the rest.</summary>
    public Task TryAbandonAsync(OutboxEntry entry, Exception failure) => TryAsync(entry, async () =>
    {
        if (failure is ImageStorageException { Refused: true })
        {
            await ForgetAsync(entry);
        }
        else if (storages.Of(entry.Store).SettlesUnderLock)
        {
            await SettleAsync(entry);
        }
        else
        {
            // A storage that does not answer is not waited for twice. The upload may have taken so long that the outbox has looked for the
            // image, not found it and forgotten it: it may be there now.
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
            log.LogError(e, "Clearing up image {Key}, which no profile shows, failed; the outbox retries it.", entry.Key);
        }
    }
}
