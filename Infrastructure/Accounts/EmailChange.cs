using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Gives the caller's account another e-mail address (docs/adr/0008-e-mail-verification.md).</summary>
sealed class EmailChange(PendingChanges pending, SecurityEventLog events, MailOutbox mails, CurrentUser me, IOptions<AccountOptions> options)
{
    /// <summary>
    /// Takes the address at once or, where addresses must be verified, when it has been confirmed. The present address withdraws the one that
    /// is pending. The caller has locked the user's row, and saves.
    /// </summary>
    /// <param name="user">The caller, tracked.</param>
    /// <param name="email">As it was sent.</param>
    /// <param name="isPasswordShown">
    /// Without it the present address keeps its spelling: mails go by that, and to a mail server it may be another mailbox.
    /// </param>
    /// <param name="ct">Cancels it.</param>
    public async Task ChangeAsync(User user, string email, bool isPasswordShown, CancellationToken ct)
    {
        var old = user.Email;
        if (User.Normalize(email) == user.NormalizedEmail)
        {
            await pending.WithdrawEmailAsync(user, ct);
            user.Email = isPasswordShown ? email.Trim() : user.Email;
            return;
        }
        if (options.Value.RequireVerifiedEmail)
        {
            await pending.WithdrawEmailAsync(user, ct);
            (user.PendingEmail, user.PendingSessionId) = (email.Trim(), me.SessionId);
            mails.Add(MailKind.VerifyNewEmail, user.PendingEmail, user.Id);
            events.Add(user.Id, SecurityEventKind.EmailChangeRequested);
        }
        else
        {
            await pending.VoidAsync(user, me.SessionId, ct);
            user.ChangeEmail(email);
            user.EmailVerifiedAt = null;
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id);
            events.Add(user.Id, SecurityEventKind.EmailChanged);
        }
        mails.Add(MailKind.EmailChangeRequested, old, user.Id);
    }
}
