using MimeKit;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Mail;

/// <summary>Counts the mails that a mailer takes and refuses.</summary>
sealed class MeasuredMailer(IMailer inner, ServiceMetrics metrics) : IMailer
{
    public Task SendAsync(string recipient, MimeMessage message, CancellationToken ct) => metrics.Mails.CountAsync(
        async () =>
        {
            await inner.SendAsync(recipient, message, ct);
            return true;
        },
        _ => Outcome.Success,
        e => e is MailException { Refused: true } ? Outcome.Refused : null);
}
