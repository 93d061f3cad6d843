using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace Profiles.Infrastructure.Mail;

/// <summary>Makes mails (RFC 5322) of text and HTML. They are ASCII, as addresses and our words are: a line arrives as it was written.</summary>
static class MailMessage
{
    const int LineMaxLength = 998;

    /// <summary>How a mail is written, the same in a file and on the wire.</summary>
    public static FormatOptions Format { get; } = MakeFormat();

    public static MimeMessage Make(MailboxAddress sender, string recipient, MailText text, DateTimeOffset now)
    {
        var body = new MultipartAlternative { Part("plain", text.Plain), Part("html", text.Html) };
        var message = new MimeMessage([sender], [Mailbox(recipient)], Sound(text.Subject), body)
        {
            Date = now,
            MessageId = MimeUtils.GenerateMessageId(sender.Domain),
        };
        // RFC 3834: no machine answers it.
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        return message;
    }

    /// <summary>An address as it stands and nothing beside it. Throws where it is not one.</summary>
    // MimeKit reads names and comments too, and an address in Punycode; what it writes must be what came.
    public static MailboxAddress Mailbox(string address) =>
        MailboxAddress.TryParse(address, out var mailbox) && mailbox.GetAddress(idnEncode: true) == address
            ? mailbox : throw new InvalidOperationException("A mail's address is not one.");

    static TextPart Part(string subtype, string text)
    {
        var part = new TextPart(subtype);
        part.SetText(Encoding.ASCII, Sound(text));
        part.ContentTransferEncoding = ContentEncoding.SevenBit;
        return part;
    }

    static string Sound(string text) =>
        Ascii.IsValid(text) && text.Split("\r\n").All(l => l.Length <= LineMaxLength && !l.Any(char.IsControl))
            ? text : throw new InvalidOperationException("A mail has a character or a line that the wire does not take.");

    static FormatOptions MakeFormat()
    {
        var format = FormatOptions.Default.Clone();
        (format.NewLineFormat, format.EnsureNewLine) = (NewLineFormat.Dos, true);
        return format;
    }
}
