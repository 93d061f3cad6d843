using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Infrastructure.Mail;

/// <summary>
/// Adds mails to what a slice is about to save: each is sent if and only if what it tells of is saved, and no request waits for a mail
/// server.
/// </summary>
sealed class MailOutbox(ProfilesDbContext db, IHttpContextAccessor http, TimeProvider clock)
{
    // Whether the address has an account is found out when such a mail is sent, and only then is more written: right after the request, on
    // a file, that would hold up the next one of whoever measures. It is left to the outbox' next look.
    static readonly TimeSpan NotAtOnce = TimeSpan.FromMilliseconds(1);

    /// <summary>Adds a mail.</summary>
    /// <param name="mail">What it says; the words are made when it is sent, so that neither they nor a token are in the database.</param>
    /// <param name="address">Where it goes, as it is stored; normalized where <paramref name="userId"/> is 0.</param>
    /// <param name="userId">Whose account it is about; 0 where that is not known yet: it is looked up by the address.</param>
    public void Add(MailKind mail, string address, long userId = 0)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        // Its event is written when it is sent.
        var network = mail == MailKind.ResetPassword && http.HttpContext is { } context ? ClientNetwork.Of(context) : null;
        db.Outbox.Add(new()
        {
            Store = OutboxStore.Mail,
            State = OutboxState.Settling,
            Mail = mail,
            UserId = userId,
            Key = address,
            Network = network,
            CreatedAt = now,
            DueAt = mail is MailKind.ResetPassword or MailKind.ConfirmRegistration ? now + NotAtOnce : now,
        });
    }
}
