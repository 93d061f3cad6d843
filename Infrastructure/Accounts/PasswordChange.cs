using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Sets a new password: voids what is pending, ends the sessions that the old one opened, and tells the owner.</summary>
sealed class PasswordChange(PendingChanges pending, SecurityEventLog events, MailOutbox mails)
{
    /// <summary>Sets the password of a user whose row the caller has locked. The caller saves.</summary>
    /// <param name="user">The user, tracked.</param>
    /// <param name="hash">The hash of the new password.</param>
    /// <param name="kind">The event that the owner sees.</param>
    /// <param name="keptSession">The session that makes the change; null to end all sessions.</param>
    /// <param name="ct">Cancels the change.</param>
    public async Task SetAsync(User user, string hash, SecurityEventKind kind, long? keptSession, CancellationToken ct)
    {
        await pending.VoidAsync(user, keptSession, ct);
        user.PasswordHash = hash;
        events.Add(user.Id, kind);
        mails.Add(MailKind.PasswordChanged, user.Email, user.Id);
    }
}
