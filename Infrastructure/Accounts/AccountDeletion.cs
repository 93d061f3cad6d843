using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Deletes an account with everything that belongs to it (docs/adr/0011-deletion.md).</summary>
sealed class AccountDeletion(ProfilesDbContext db, ImageSettlement images, SecurityEventLog events, ILogger<AccountDeletion> log)
{
    /// <summary>
    /// Deletes a user. The image goes with the outbox's next round at the latest, whatever the storage answers now. An upload in progress finds
    /// no user to show its image, and removes it.
    /// </summary>
    public async Task DeleteAsync(long userId)
    {
        var (isDeleted, removal) = await db.LockedAsync(userId, async profile =>
        {
            var removal = profile?.Image is { } image ? images.AddRemoval(userId, image) : null;
            // Nobody else works on it: the outbox may begin at once.
            removal?.DueAt = removal.CreatedAt;
            var email = await db.Users.Where(u => u.Id == userId).Select(u => u.NormalizedEmail).SingleOrDefaultAsync(CancellationToken.None);
            // Its mails, by the account or, where it is looked up when they are sent, by the address.
            await db.Outbox.Where(e => e.Store == OutboxStore.Mail && (e.UserId == userId || (e.UserId == 0 && e.Key == email)))
                .ExecuteDeleteAsync(CancellationToken.None);
            // Sessions, events, tokens and the profile go with it.
            return (await db.Users.Where(u => u.Id == userId).ExecuteDeleteAsync(CancellationToken.None) == 1, removal);
        });
        if (removal is { Store: OutboxStore.LocalImages })
            await images.TrySettleAsync(removal);
        if (!isDeleted)
            return;
        events.Tell(userId, SecurityEventKind.AccountDeleted);
        await TryEraseAsync();
    }

    // The account is gone all the same; the cleanup tries again.
    async Task TryEraseAsync()
    {
        try
        {
            await db.EraseDeletedAsync(CancellationToken.None);
        }
        catch (DbException e)
        {
            log.LogWarning(e, "Copies of deleted rows are left in the database's log; the cleanup removes them within the hour.");
        }
    }
}
