using MimeKit;

namespace Profiles.Infrastructure.Mail;

/// <summary>Takes mails to where they are delivered from.</summary>
interface IMailer
{
    /// <summary>Hands a mail over; it is kept there when this returns. Throws <see cref="MailException"/>.</summary>
    Task SendAsync(string recipient, MimeMessage message, CancellationToken ct);
}

/// <summary>Why a mail was not taken, without the server's own words: they repeat addresses.</summary>
/// <param name="message">A sentence for the log.</param>
/// <param name="inner">What it came from, where that has no address and no word of a server either.</param>
sealed class MailException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The server does not take this mail and never will.</summary>
    public bool Refused { get; init; }
}
