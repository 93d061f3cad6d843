namespace Profiles.Infrastructure.Mail;

/// <summary>The text of a mail, plain and in HTML.</summary>
sealed record MailText(string Subject, string Plain, string Html);
