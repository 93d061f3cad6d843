using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Changes the caller's address, and asks to show that it is the person's (docs/adr/0008-e-mail-verification.md).</summary>
sealed class AccountEmails(
    CredentialChange credentials, SecurityEventLog events, MailOutbox mails, CurrentUser me, IOptions<AccountOptions> options)
{
    /// <summary>
    /// Takes another address for the caller, who is tracked and has shown the password: at once, or where addresses must be verified, when it has been. The address in
    /// force takes back the one that waits. Adds the mails and the event to what is saved in the caller's transaction, which has the user's turn.
    /// </summary>
    /// <param name="user">The caller.</param>
    /// <param name="email">As it was sent.</param>
    /// <param name="isPasswordShown">Without it the address in force keeps its spelling: mails go by that, and to a mail server it may be another mailbox.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task ChangeAsync(User user, string email, bool isPasswordShown, CancellationToken ct)
    {
        var old = user.Email;
        if (User.Normalize(email) == user.NormalizedEmail)
        {
            await credentials.WithdrawAsync(user, ct);
            user.Email = isPasswordShown ? email.Trim() : user.Email;
            return;
        }
        if (options.Value.RequireVerifiedEmail)
        {
            await credentials.WithdrawAsync(user, ct);
            (user.PendingEmail, user.PendingSessionId) = (email.Trim(), me.SessionId);
            mails.Add(MailKind.VerifyNewEmail, user.PendingEmail, user.Id);
            events.Add(user.Id, SecurityEventKind.EmailChangeRequested);
        }
        else
        {
            await credentials.VoidAsync(user, me.SessionId, ct);
            user.ChangeEmail(email);
            user.EmailVerifiedAt = null;
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id);
            events.Add(user.Id, SecurityEventKind.EmailChanged);
        }
        mails.Add(MailKind.EmailChangeRequested, old, user.Id);
    }

    /// <summary>Asks the user again to show that an address is theirs, if there is one to show; to be saved.</summary>
    public void AskAgain(User user)
    {
        if (user.PendingEmail is { } pending)
            mails.Add(MailKind.VerifyNewEmail, pending, user.Id);
        else if (user.EmailVerifiedAt is null)
            mails.Add(MailKind.VerifyEmail, user.Email, user.Id);
    }
}
