using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Mail;

/// <summary>Sends the mails of the outbox.</summary>
sealed class MailHandler(
    ProfilesDbContext db, IMailer mailer, IMailWriter writer, MailTemplates templates, TimeProvider clock,
    ILogger<MailHandler> log) : IOutboxHandler
{
    /// <summary>After this time an unsent mail is of no use.</summary>
    public static readonly TimeSpan GivenUpAfter = TimeSpan.FromDays(3);

    public async Task HandleAsync(OutboxEntry entry, CancellationToken stopping)
    {
        if (clock.GetUtcNow().UtcDateTime - entry.CreatedAt > GivenUpAfter)
        {
            log.LogWarning(
                "Mail {Kind} of entry {Entry} could not be sent for {Days} days and is given up.",
                entry.Mail, entry.Id, GivenUpAfter.TotalDays);
        }
        else if (await writer.WriteAsync(entry) is var (recipient, content))
        {
            try
            {
                // A stopping service does not wait for the mail server; the next start retries the entry.
                await mailer.SendAsync(recipient, templates.Compose(recipient, content, clock.GetUtcNow()), stopping);
            }
            catch (MailException e) when (e.Refused)
            {
                log.LogWarning(e, "Mail {Kind} of entry {Entry} is refused by the mail server and given up.", entry.Mail, entry.Id);
            }
        }
        else
        {
            log.LogInformation("Mail {Kind} of entry {Entry} is not sent: it is void by now.", entry.Mail, entry.Id);
        }
        await db.Outbox.Where(e => e.Id == entry.Id).ExecuteDeleteAsync(CancellationToken.None);
    }
}
