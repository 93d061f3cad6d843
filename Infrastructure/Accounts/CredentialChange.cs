using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Voids what pends when a credential of an account changes: whoever asked for it may have been a thief. Every way of changing a password or an address goes through here
/// (docs/adr/0008-e-mail-verification.md).
/// </summary>
sealed class CredentialChange(ProfilesDbContext db, UserSessions sessions)
{
    /// <summary>
    /// Voids the pending address, all one-time tokens and the mails that would make new ones, and ends all sessions but one. For the caller's transaction, which has the
    /// user's turn, while the user still has the address that was in force.
    /// </summary>
    /// <param name="user">Tracked.</param>
    /// <param name="keptSession">The session that makes the change; null to end all of them.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task VoidAsync(User user, long? keptSession, CancellationToken ct)
    {
        await VoidPendingAsync(user, ct);
        await sessions.RemoveOthersAsync(user.Id, keptSession, ct);
    }

    /// <summary>The same where whoever is logged in stays so.</summary>
    public async Task VoidPendingAsync(User user, CancellationToken ct)
    {
        (user.PendingEmail, user.PendingSessionId) = (null, null);
        // Locks the row before anything is looked for: a login under way comes before it and is found, or after it and fails.
        await db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.PendingEmail, (string?)null).SetProperty(x => x.PendingSessionId, (long?)null), ct);
        await db.OneTimeTokens.Where(t => t.UserId == user.Id).ExecuteDeleteAsync(ct);
        await MailsWithTokens().Where(e => e.UserId == user.Id).ExecuteDeleteAsync(ct);
        // Those that were to find out whose they are.
        await MailsWithTokens().Where(e => e.UserId == 0 && e.Key == user.NormalizedEmail).ExecuteDeleteAsync(ct);
    }

    /// <summary>Takes back the address that waits, with its token and its mail; those of the address in force stay. As above.</summary>
    public async Task WithdrawAsync(User user, CancellationToken ct)
    {
        (user.PendingEmail, user.PendingSessionId) = (null, null);
        await db.OneTimeTokens.Where(t => t.UserId == user.Id && t.Purpose == TokenPurpose.VerifyEmail && t.NormalizedEmail != user.NormalizedEmail)
            .ExecuteDeleteAsync(ct);
        await db.Outbox.Where(e => e.UserId == user.Id && e.Mail == MailKind.VerifyNewEmail).ExecuteDeleteAsync(ct);
    }

    IQueryable<OutboxEntry> MailsWithTokens() =>
        db.Outbox.Where(e => e.Mail == MailKind.VerifyEmail || e.Mail == MailKind.VerifyNewEmail || e.Mail == MailKind.ResetPassword);
}
