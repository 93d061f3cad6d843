using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>Decides what an outbox entry's mail says when it is sent.</summary>
interface IMailWriter
{
    /// <summary>Returns the recipient and the content; null when the mail is no longer needed.</summary>
    Task<(string Recipient, MailContent Content)?> WriteAsync(OutboxEntry entry);
}
