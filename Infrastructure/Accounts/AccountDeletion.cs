using System.Data.Common;
using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Deletes an account with everything that belongs to it (docs/adr/0011-deletion.md).</summary>
sealed class AccountDeletion(
    ProfilesDbContext db, ImageSettlement images, SecurityEventLog events, WebhookEvents webhooks, AppleOutbox apple,
    ILogger<AccountDeletion> log)
{
    /// <summary>
    /// Deletes a user. The outbox deletes the image in its next round at the latest, even if the storage fails now. An upload in progress
    /// finds no user and deletes its own image.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="record">
    /// Adds an operator's entry of the audit log. Null for the owner, who cannot delete a disabled account: whoever has stolen it could
    /// too.
    /// </param>
    /// <param name="onlyIf">
    /// What the cleanup rests on, evaluated once more under the lock; the cleanup itself erases the copies of deleted rows. Null otherwise.
    /// </param>
    /// <returns>False when there is no such user, also when another request was first.</returns>
    /// <exception cref="UserDeletedException">The account was disabled meanwhile.</exception>
    public async Task<bool> DeleteAsync(long userId, Action? record = null, Expression<Func<User, bool>>? onlyIf = null)
    {
        var (isDeleted, removal) = await db.ChangeLockedProfileAsync(userId, async profile =>
        {
            // Locks the row: a change of it commits first and makes the condition false, or finds no user.
            if (onlyIf is not null && await db.Users.Where(u => u.Id == userId).Where(onlyIf)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.GuestSince, x => x.GuestSince), CancellationToken.None) == 0)
                return (false, null);
            if (record is null && profile is not null && !await db.IsEnabledAsync(userId, CancellationToken.None))
                throw new UserDeletedException();
            var removal = profile?.Image is { } image ? images.AddRemoval(userId, image) : null;
            // A local image is deleted below; any other is left to the outbox, at once.
            if (removal is { Store: not OutboxStore.LocalImages })
                removal.DueAt = removal.CreatedAt;
            var email = await db.Users.Where(u => u.Id == userId).Select(u => u.NormalizedEmail)
                .SingleOrDefaultAsync(CancellationToken.None);
            // Mails name the account or, where sending looks it up, the address.
            await db.Outbox.Where(e => e.Store == OutboxStore.Mail && (e.UserId == userId || (e.UserId == 0 && e.Key == email)))
                .ExecuteDeleteAsync(CancellationToken.None);
            await db.MailCodes.Where(c => c.NormalizedEmail == email).ExecuteDeleteAsync(CancellationToken.None);
            await apple.AddRevocationsAsync(db, userId, CancellationToken.None);
            // Cascades to sessions, events, tokens and the profile.
            var isDeleted = await db.Users.Where(u => u.Id == userId).ExecuteDeleteAsync(CancellationToken.None) == 1;
            if (isDeleted)
            {
                webhooks.AddDeletion(db, userId);
                record?.Invoke();
            }
            return (isDeleted, removal);
        });
        if (removal is { Store: OutboxStore.LocalImages })
            await images.TrySettleAsync(removal);
        if (!isDeleted)
            return false;
        events.WriteToLog(userId, SecurityEventKind.AccountDeleted);
        if (onlyIf is null)
            await TryEraseAsync();
        return true;
    }

    // A failure does not fail the deletion: the cleanup retries.
    async Task TryEraseAsync()
    {
        try
        {
            await db.EraseDeletedAsync(CancellationToken.None);
        }
        catch (DbException e)
        {
            log.LogWarning(e, "Copies of deleted rows are left in the database's log; the cleanup erases them within the hour.");
        }
    }
}
