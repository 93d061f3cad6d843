using Profiles.Data;

namespace Profiles.Infrastructure.Mail;

/// <summary>Writes a mail of the outbox when it is sent.</summary>
interface IMailWriter
{
    /// <summary>To whom and what; null where there is nothing to say any more.</summary>
    Task<(string Recipient, MailText Text)?> WriteAsync(OutboxEntry entry);
}
