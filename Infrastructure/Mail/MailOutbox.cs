using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Mail;

/// <summary>
/// Adds mails to the changes that a slice saves: a mail is sent if and only if its change is saved, and no request waits for a mail server.
/// </summary>
sealed class MailOutbox(ProfilesDbContext db, IHttpContextAccessor http, TimeProvider clock)
{
    // Sending such a mail looks up whether an address has an account, and writes more or less for it. On SQLite that write would delay a
    // request that follows at once, which somebody could measure: it happens one to two seconds later.
    static readonly TimeSpan Delay = TimeSpan.FromSeconds(1);

    /// <summary>Adds a mail.</summary>
    /// <param name="mail">The kind of mail; its text is written when it is sent, so that the database has neither text nor token.</param>
    /// <param name="address">
    /// The recipient as it is stored; normalized when <paramref name="userId"/> is 0. Null for an account without an address, which gets no
    /// mail.
    /// </param>
    /// <param name="userId">The account that the mail is about; 0 when it is looked up later, by the address.</param>
    /// <param name="change">What was changed, of a kind that tells of changes.</param>
    public void Add(MailKind mail, string? address, long userId = 0, MailChange? change = null)
    {
        if (address is null)
            return;
        var now = clock.GetUtcNow().UtcDateTime;
        // The security event of a reset is written when the mail is sent.
        var network = mail == MailKind.ResetPassword && http.HttpContext is { } context ? ClientNetwork.Of(context) : null;
        db.Outbox.Add(new()
        {
            Store = OutboxStore.Mail,
            State = OutboxState.Settling,
            Mail = mail,
            UserId = userId,
            Key = address,
            Network = network,
            Payload = change?.ToString(),
            CreatedAt = now,
            DueAt = mail is MailKind.ResetPassword or MailKind.ConfirmRegistration or MailKind.VerifyNewEmail
                ? now + (Delay * (1 + Random.Shared.NextDouble()))
                : now,
        });
    }
}
