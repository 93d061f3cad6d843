using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>Writes the text of an outbox entry's mail when it is sent.</summary>
interface IMailWriter
{
    /// <summary>Returns the recipient and the text; null when the mail is no longer needed.</summary>
    Task<(string Recipient, MailText Text)?> WriteAsync(OutboxEntry entry);
}
