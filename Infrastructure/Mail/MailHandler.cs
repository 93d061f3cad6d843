using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Mail;

/// <summary>Sends the mails of the outbox. Token and words are made now and kept nowhere; sent again after a failure, the mail has a token of its own, and the one before is good no more.</summary>
sealed class MailHandler(
    ProfilesDbContext db, IMailer mailer, OneTimeTokens tokens, SecurityEventLog events, IOptions<MailOptions> options, TimeProvider clock,
    IHostApplicationLifetime life, ILogger<MailHandler> log) : IOutboxHandler
{
    /// <summary>A mail that could not be sent for so long is of no use any more.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(3);

    public async Task SettleAsync(OutboxEntry entry)
    {
        if (clock.GetUtcNow().UtcDateTime - entry.CreatedAt > GivenUpAfter)
        {
            log.LogWarning("Mail {Kind} of entry {Entry} could not be sent for {Days} days and is given up.", entry.Mail, entry.Id, GivenUpAfter.TotalDays);
        }
        else if (await WriteAsync(entry) is { } text)
        {
            try
            {
                // A service that is stopped does not wait for a mail server; the entry is there at the next start.
                await mailer.SendAsync(entry.Key, MailMessage.Make(options.Value.Sender!, entry.Key, text, clock.GetUtcNow()), life.ApplicationStopping);
            }
            catch (MailException e) when (e.Refused)
            {
                log.LogWarning(e, "Mail {Kind} of entry {Entry} is refused by the mail server and given up.", entry.Mail, entry.Id);
            }
        }
        await db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);
    }

    // Null where there is nothing to say any more: nobody is told who has no account.
    async Task<MailText?> WriteAsync(OutboxEntry entry)
    {
        var address = User.Normalize(entry.Key);
        var user = entry.UserId == 0 ? await db.FindUserAsync(address, CancellationToken.None) : await db.FindUserAsync(entry.UserId, CancellationToken.None);
        if (user is null)
            return null;
        switch (entry.Mail)
        {
            case MailKind.VerifyEmail:
                return user.NormalizedEmail == address && user.EmailVerifiedAt is null ? await WithTokenAsync(MailKind.VerifyEmail, user, TokenPurpose.VerifyEmail, address) : null;
            case MailKind.VerifyNewEmail when user.PendingEmail is not { } pending || User.Normalize(pending) != address:
                return null;
            case MailKind.VerifyNewEmail when await db.FindUserAsync(address, CancellationToken.None) is not null:
                // Somebody else's: its owner is told, and whoever wanted it is not.
                return Plain(MailKind.AlreadyRegistered);
            case MailKind.VerifyNewEmail:
                return await WithTokenAsync(MailKind.VerifyNewEmail, user, TokenPurpose.VerifyEmail, address);
            case MailKind.ResetPassword:
                if (entry.Attempts == 0)
                    events.Add(user.Id, SecurityEventKind.PasswordResetRequested);
                return await WithTokenAsync(MailKind.ResetPassword, user, TokenPurpose.ResetPassword, address);
            default:
                return Plain(entry.Mail!.Value, user.PendingEmail ?? user.Email);
        }
    }

    async Task<MailText> WithTokenAsync(MailKind mail, User user, TokenPurpose purpose, string address)
    {
        var token = await tokens.ReplaceAsync(user.Id, purpose, address, CancellationToken.None);
        await db.SaveChangesAsync(CancellationToken.None);
        return MailText.Of(mail, options.Value, token, tokens.LifetimeOf(purpose), newEmail: null);
    }

    MailText Plain(MailKind mail, string? newEmail = null) => MailText.Of(mail, options.Value, token: null, default, newEmail);
}
