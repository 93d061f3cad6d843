using System.Globalization;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Text;

namespace Profiles.Infrastructure.Mail;

/// <summary>A mail as it goes over the wire (RFC 5322), text and HTML. It is all ASCII: addresses are, and so are our words; what is not is refused, and so is what could begin a header.</summary>
static class MailMessage
{
    const int LineMaxLength = 998;

    /// <summary>The whole mail, with lines that end as the wire wants.</summary>
    public static byte[] Make(MailAddress sender, string recipient, MailText text, DateTimeOffset now)
    {
        var boundary = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var message = string.Join("\r\n",
        [
            $"Date: {now.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture)} +0000",
            sender.DisplayName.Length > 0 ? $"From: \"{sender.DisplayName}\" <{sender.Address}>" : $"From: <{sender.Address}>",
            $"To: <{OneWord(recipient)}>",
            $"Subject: {text.Subject}",
            $"Message-ID: <{RandomNumberGenerator.GetHexString(32, lowercase: true)}@{sender.Host}>",
            // RFC 3834: no machine answers it.
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            $"Content-Type: multipart/alternative; boundary=\"{boundary}\"",
            "",
            $"--{boundary}",
            "Content-Type: text/plain; charset=us-ascii",
            "Content-Transfer-Encoding: 7bit",
            "",
            text.Plain,
            $"--{boundary}",
            "Content-Type: text/html; charset=us-ascii",
            "Content-Transfer-Encoding: 7bit",
            "",
            text.Html,
            $"--{boundary}--",
            "",
        ]);
        if (!Ascii.IsValid(message) || message.Split("\r\n").Any(l => l.Length > LineMaxLength || l.Any(char.IsControl)))
            throw new InvalidOperationException("A mail has a character or a line that the wire does not take.");
        return Encoding.ASCII.GetBytes(message);
    }

    /// <summary>An address that is nothing else on a line of its own or between angle brackets. Throws where it is not.</summary>
    public static string OneWord(string address) =>
        address.Length > 0 && address.All(c => c is > ' ' and <= '~' and not '<' and not '>') ? address : throw new InvalidOperationException("A mail's address is not one.");
}
