using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps the two stores of a picture in step, the profile's row and the image storage, in an order in which no failure and no crash
/// leaves a row that names a picture which is not there, or a picture that no row names and no outbox entry remembers (docs/adr/0003-two-stores.md).
/// </summary>
sealed class ProfileImages(
    ProfilesDbContext db, DecodePool decoders, UploadMemory memory, IImageStorage storage, LocalImageStorage local, CloudinaryImageStorage cloudinary,
    ImageAddress address, SecurityEventLog events, IOptions<ImagesOptions> options, TimeProvider clock, ILogger<ProfileImages> log) : IOutboxHandler
{
    /// <summary>Where a picture is kept while it arrives.</summary>
    public UploadBuffer Receive() => new(memory);

    /// <summary>
    /// Puts a picture up in place of the one that is there. Throws <see cref="ImageRefusedException"/>,
    /// <see cref="ImageStorageException"/>, <see cref="UserGoneException"/>; the profile then shows what it showed.
    /// </summary>
    public async Task<ImageDescription> PutUpAsync(long userId, UploadBuffer upload, CancellationToken ct)
    {
        var picture = await decoders.ProcessAsync(upload, ct);
        // What it holds is for those who are still sending.
        upload.Dispose();
        var entry = await RecordAsync(userId, storage.KeyFor(picture), ct);
        OutboxEntry? gone;
        ProfileImage image;
        try
        {
            image = Describe(picture, entry.Key, await storage.SaveAsync(entry, picture, ct));
            // Not to be cancelled from here on: whether it was done would be unknown.
            gone = await ShowAsync(entry, image);
        }
        catch (Exception e)
        {
            if (e is ImageStorageException { Refused: true })
                await TryForgetAsync(entry);
            else if (storage.SettlesUnderLock)
                await TrySettleAsync(entry);
            // What does not answer is not waited for twice: the outbox asks it later.
            else
                await TryRememberAsync(entry);
            throw;
        }
        // What fails now is left to the outbox; the picture is shown.
        if (storage.SettlesUnderLock)
            await TrySettleAsync(entry);
        if (gone is not null)
            await TrySettleAsync(gone);
        return address.Describe(image)!;
    }

    /// <summary>Takes the picture down; false when there is none. Throws <see cref="ImageStorageException"/>; the profile then shows it again.</summary>
    public async Task<bool> TakeDownAsync(long userId)
    {
        var (entry, image) = await HideAsync(userId);
        if (entry is null)
            return false;
        try
        {
            await SettleAsync(entry);
            return true;
        }
        catch (Exception e) when (e is ImageStorageException or IOException)
        {
            if (await IsGoneAsync(entry, image!, (e as ImageStorageException)?.Refused ?? false))
                return true;
            throw;
        }
    }

    /// <summary>
    /// Deletes a user with everything that belongs to them; false when there is none. The picture goes with the next turn of the outbox at the latest, whatever the storage
    /// answers now. An upload under way finds nobody to show its picture, and removes it.
    /// </summary>
    public async Task<bool> DeleteUserAsync(long userId)
    {
        var (deleted, entry) = await LockedAsync(userId, async profile =>
        {
            var removal = profile?.Image is { } image ? Removal(userId, image) : null;
            // Nobody else is at it: the outbox may begin at once.
            removal?.DueAt = removal.CreatedAt;
            var email = await db.Users.Where(u => u.Id == userId).Select(u => u.NormalizedEmail).SingleOrDefaultAsync(CancellationToken.None);
            await db.Outbox.Where(e => e.UserId == userId && e.Store == OutboxStore.Mail).ExecuteDeleteAsync(CancellationToken.None);
            // Those that were to find out whose they are.
            await db.Outbox.Where(e => e.UserId == 0 && e.Store == OutboxStore.Mail && e.Key == email).ExecuteDeleteAsync(CancellationToken.None);
            // Sessions, events, tokens and the profile go with it.
            return (await db.Users.Where(u => u.Id == userId).ExecuteDeleteAsync(CancellationToken.None) == 1, removal);
        });
        if (deleted)
            events.Tell(userId, SecurityEventKind.AccountDeleted);
        if (entry is { Store: OutboxStore.LocalImages })
            await TrySettleAsync(entry);
        if (deleted)
            await TryEraseAsync();
        return deleted;
    }

    // The account is gone whatever becomes of it; the housekeeping tries again.
    async Task TryEraseAsync()
    {
        try
        {
            await db.EraseDeletedAsync(CancellationToken.None);
        }
        catch (DbException e)
        {
            log.LogWarning(e, "Copies of deleted rows are left in the database's log; the housekeeping removes them within the hour.");
        }
    }

    /// <summary>The bytes of a picture that a profile shows; null when they are gone. Throws <see cref="ImageStorageException"/>.</summary>
    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, CancellationToken ct) =>
        image.IsLocal ? local.ReadAsync(userId, null, image.Key, ct) : cloudinary.ReadAsync(image, ct);

    // A removal failed: sets the row again, unless the picture is gone all the same.
    Task<bool> IsGoneAsync(OutboxEntry entry, ProfileImage image, bool refused) => LockedAsync(entry.UserId, async profile =>
    {
        // Another instance has taken it up meanwhile, and ended it; or the rest of the files is left, without the picture itself.
        if (!await db.Outbox.AnyAsync(e => e.Id == entry.Id, CancellationToken.None) || (image.IsLocal && !local.Has(entry.UserId, image.Key)))
            return true;
        if (profile is not { Image: null })
            return false;
        profile.Image = image;
        // A refusal leaves nothing to ask for; a local file is to be put back in its place.
        if (refused && !image.IsLocal)
            await ForgetAsync(entry);
        return false;
    });

    /// <summary>Makes the storage agree with the row. Throws <see cref="ImageStorageException"/> when it has to be tried again.</summary>
    public async Task SettleAsync(OutboxEntry entry)
    {
        var store = entry.Store == OutboxStore.LocalImages ? (IImageStorage)local : cloudinary;
        var settled = await LockedAsync(entry.UserId, async profile =>
        {
            var current = await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id, CancellationToken.None);
            var shown = profile?.Image is { } image && image.IsLocal == (store == local) ? image.Key : null;
            if (store.SettlesUnderLock)
            {
                // Also when another has done it already: whoever stored may have gone on after that.
                await store.SettleAsync(entry, shown);
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
        var outcome = await store.SettleAsync(settled.Entry, settled.Shown);
        // A call that was not answered may still be carried out there.
        if (outcome == Settlement.NotThere && clock.GetUtcNow().UtcDateTime - settled.Entry.CreatedAt < 2 * options.Value.Grace)
            throw new ImageStorageException("A picture that was being stored is not there yet.");
        await LockedAsync(entry.UserId, async profile =>
        {
            // Whoever waited for the removal may have believed that it failed, and set the row again.
            var removed = settled.Shown != entry.Key || outcome == Settlement.Lost;
            if (removed && profile?.Image?.Key == entry.Key)
            {
                log.LogWarning("A picture that was believed to be there is gone: {Key}.", entry.Key);
                profile.Image = null;
            }
            await ForgetAsync(settled.Entry);
            return true;
        });
    }

    // Before anything is stored: a crash after it cannot leave a picture that nobody remembers.
    async Task<OutboxEntry> RecordAsync(long userId, string key, CancellationToken ct)
    {
        var entry = NewEntry(storage.Store, OutboxState.Storing, userId, key);
        db.ChangeTracker.Clear();
        db.Outbox.Add(entry);
        await db.SaveChangesAsync(ct);
        return entry;
    }

    // The picture that has to go.
    Task<OutboxEntry?> ShowAsync(OutboxEntry entry, ProfileImage image) => LockedAsync(entry.UserId, async profile =>
    {
        if (profile is null)
            throw new UserGoneException();
        if (await db.Outbox.SingleOrDefaultAsync(e => e.Id == entry.Id && e.State == OutboxState.Storing, CancellationToken.None) is not { } current)
            throw new ImageStorageException("It took so long that what was stored is taken for left behind.");
        // What waits for nothing more has nothing to remember.
        if (storage.SettlesUnderLock)
            current.State = OutboxState.Settling;
        else
            db.Outbox.Remove(current);
        var gone = profile.Image is { } before && before.Key != image.Key ? Removal(entry.UserId, before) : null;
        profile.Image = image;
        await db.SaveChangesAsync(CancellationToken.None);
        await storage.PublishAsync(entry);
        return gone;
    });

    Task<(OutboxEntry? Entry, ProfileImage? Image)> HideAsync(long userId) => LockedAsync(userId, profile =>
    {
        if (profile?.Image is not { } image)
            return Task.FromResult<(OutboxEntry?, ProfileImage?)>((null, null));
        var entry = Removal(userId, image);
        profile.Image = null;
        return Task.FromResult<(OutboxEntry?, ProfileImage?)>((entry, image));
    });

    OutboxEntry Removal(long userId, ProfileImage image)
    {
        var entry = NewEntry(image.IsLocal ? OutboxStore.LocalImages : OutboxStore.Cloudinary, OutboxState.Settling, userId, image.Key);
        db.Outbox.Add(entry);
        return entry;
    }

    // Due when whoever makes it must have ended or died.
    OutboxEntry NewEntry(OutboxStore store, OutboxState state, long userId, string key)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return new() { Store = store, State = state, UserId = userId, Key = key, CreatedAt = now, DueAt = now + options.Value.Grace };
    }

    Task<int> ForgetAsync(OutboxEntry entry) => db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);

    Task TryForgetAsync(OutboxEntry entry) => TryAsync(entry, () => ForgetAsync(entry));

    Task TrySettleAsync(OutboxEntry entry) => TryAsync(entry, () => SettleAsync(entry));

    // It took so long that the outbox has looked for it, not found it and forgotten it: it may be there now.
    Task TryRememberAsync(OutboxEntry entry) => TryAsync(entry, async () =>
    {
        db.ChangeTracker.Clear();
        if (await db.Outbox.AnyAsync(e => e.Id == entry.Id, CancellationToken.None))
            return;
        db.Outbox.Add(NewEntry(entry.Store, OutboxState.Abandoned, entry.UserId, entry.Key));
        await db.SaveChangesAsync(CancellationToken.None);
    });

    // The caller has its answer already, or a worse fault to report; the outbox tries again.
    async Task TryAsync(OutboxEntry entry, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (Exception e)
        {
            log.LogError(e, "A picture that no profile shows may be left for a while: {Key}.", entry.Key);
        }
    }

    ProfileImage Describe(ProcessedImage picture, string key, string url) => new()
    {
        Key = key,
        Url = url,
        Width = picture.Width,
        Height = picture.Height,
        Bytes = picture.Jpeg.Length,
        Thumbhash = Convert.ToBase64String(picture.ThumbHash),
        DominantColor = picture.DominantColor,
        // As the database keeps it: the answer of the upload and the profile say the same.
        UpdatedAt = ProfilesDbContext.AsKept(clock.GetUtcNow().UtcDateTime),
    };

    async Task<T> LockedAsync<T>(long userId, Func<UserProfile?, Task<T>> change)
    {
        db.ChangeTracker.Clear();
        await using var transaction = await db.TakeTurnAsync(userId, CancellationToken.None);
        var result = await change(await db.UserProfiles.SingleOrDefaultAsync(p => p.UserId == userId, CancellationToken.None));
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }
}
