using MimeKit;

namespace Profiles.Infrastructure.Mail;

/// <summary>Hands mails over for delivery.</summary>
interface IMailer
{
    /// <summary>Hands a mail over; when this returns, the mail is stored there. Throws <see cref="MailException"/>.</summary>
    Task SendAsync(string recipient, MimeMessage message, CancellationToken ct);
}

/// <summary>A mail was not accepted. The message omits the server's own words, which repeat addresses.</summary>
/// <param name="message">A sentence for the log.</param>
/// <param name="inner">The cause, only where it contains neither an address nor a server's words.</param>
sealed class MailException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the server refuses this mail for good.</summary>
    public bool Refused { get; init; }
}
