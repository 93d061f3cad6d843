using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Changes the e-mail address of the caller's account (docs/adr/0008-e-mail-verification.md).</summary>
sealed class EmailChange(
    PendingChanges pending, WaysIn ways, SecurityEventLog events, MailOutbox mails, CurrentUser me, IOptions<AccountOptions> options)
{
    /// <summary>
    /// Changes the address at once or makes it pending until it is confirmed: where addresses must be verified, and where more than a
    /// password logs in. The present address withdraws a pending one. The caller has locked the user's row, and saves.
    /// </summary>
    /// <param name="user">The caller, tracked.</param>
    /// <param name="email">The address as it was sent.</param>
    /// <param name="isPasswordVerified">
    /// Without the password the present address keeps its spelling: mails use it, and a mail server may treat another as another mailbox.
    /// </param>
    /// <param name="ct">Cancels the change.</param>
    /// <param name="request">The hash of the request's token; without it the mail has no digits.</param>
    public async Task ChangeAsync(User user, string email, bool isPasswordVerified, CancellationToken ct, byte[]? request = null)
    {
        var old = user.Email;
        if (User.Normalize(email) == user.NormalizedEmail)
        {
            await pending.WithdrawEmailAsync(user, ct);
            user.Email = isPasswordVerified ? email.Trim() : user.Email;
            return;
        }
        // A typo would give the whole account to a stranger's mailbox, by a code to log in, or leave no way in.
        if (options.Value.RequireVerifiedEmail || !await ways.AreOnlyPasswordAsync(user, ct))
        {
            await pending.WithdrawEmailAsync(user, ct);
            (user.PendingEmail, user.PendingSessionId) = (email.Trim(), me.SessionId);
            mails.Add(MailKind.VerifyNewEmail, user.PendingEmail, user.Id, request: request);
            events.Add(user.Id, SecurityEventKind.EmailChangeRequested);
        }
        else
        {
            await pending.VoidAsync(user, me.SessionId, ct);
            user.ChangeEmail(email);
            user.EmailVerifiedAt = null;
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id, request: request);
            events.Add(user.Id, SecurityEventKind.EmailChanged);
        }
        mails.Add(MailKind.EmailChangeRequested, old, user.Id);
    }
}
