using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Voids what is pending when a password or an address changes, because a thief may have requested it. Every change of either goes through
/// here (docs/adr/0008-e-mail-verification.md). Each method runs in the caller's transaction, which has locked the user's row.
/// </summary>
sealed class PendingChanges(ProfilesDbContext db, SessionRevocation sessions)
{
    /// <summary>Voids the pending address, all one-time tokens and mails that would create new ones; ends all sessions but one.</summary>
    /// <param name="user">The user, tracked, still with the old address.</param>
    /// <param name="keptSession">The session that makes the change; null to end all sessions.</param>
    /// <param name="ct">Cancels the change.</param>
    public async Task VoidAsync(User user, long? keptSession, CancellationToken ct)
    {
        await VoidKeepingSessionsAsync(user, ct);
        await sessions.RevokeOthersAsync(user.Id, keptSession, ct);
    }

    /// <summary>Does the same without ending sessions.</summary>
    public async Task VoidKeepingSessionsAsync(User user, CancellationToken ct)
    {
        (user.PendingEmail, user.PendingSessionId) = (null, null);
        // Locks the row before any query: a login in progress either commits first and is found, or comes later and fails.
        await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(
            u => u.SetProperty(x => x.PendingEmail, (string?)null).SetProperty(x => x.PendingSessionId, (long?)null), ct);
        await db.OneTimeTokens.Where(t => t.UserId == user.Id).ExecuteDeleteAsync(ct);
        await MailsWithTokens().Where(e => e.UserId == user.Id).ExecuteDeleteAsync(ct);
        if (user.NormalizedEmail is null)
            return;
        await db.MailCodes.Where(c => c.NormalizedEmail == user.NormalizedEmail).ExecuteDeleteAsync(ct);
        // These mails name an address: sending looks up its account.
        await MailsWithTokens().Where(e => e.UserId == 0 && e.Key == user.NormalizedEmail).ExecuteDeleteAsync(ct);
    }

    /// <summary>Withdraws the pending address, its token and its mail; those of the present address stay.</summary>
    public async Task WithdrawEmailAsync(User user, CancellationToken ct)
    {
        (user.PendingEmail, user.PendingSessionId) = (null, null);
        await db.OneTimeTokens
            .Where(t => t.UserId == user.Id && t.Purpose == TokenPurpose.VerifyEmail && t.NormalizedEmail != user.NormalizedEmail)
            .ExecuteDeleteAsync(ct);
        await db.Outbox.Where(e => e.UserId == user.Id && e.Mail == MailKind.VerifyNewEmail).ExecuteDeleteAsync(ct);
    }

    IQueryable<OutboxEntry> MailsWithTokens() => db.Outbox.Where(
        e => e.Mail == MailKind.VerifyEmail || e.Mail == MailKind.VerifyNewEmail || e.Mail == MailKind.ResetPassword);
}
