using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace Profiles.Infrastructure.Mail;

/// <summary>Makes mails (RFC 5322) with text and HTML. They are ASCII on the wire, so that no server re-encodes a line.</summary>
static class MailMessage
{
    const int LineMaxLength = 998;

    /// <summary>The format of a mail, the same in a file and on the wire.</summary>
    public static FormatOptions Format { get; } = MakeFormat();

    public static MimeMessage Make(MailboxAddress sender, string recipient, MailText text, DateTimeOffset now)
    {
        var body = new MultipartAlternative { Part("plain", text.Plain), Part("html", text.Html) };
        var message = new MimeMessage([sender], [Mailbox(recipient)], EnsureNoLineEnd(text.Subject), body)
        {
            Date = now,
            MessageId = MimeUtils.GenerateMessageId(sender.Domain),
        };
        // RFC 3834: no auto-responder answers it.
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        return message;
    }

    /// <summary>Parses a bare address. Throws when it is not one.</summary>
    // MimeKit also accepts names, comments and Punycode; what it writes must equal the input.
    public static MailboxAddress Mailbox(string address) =>
        MailboxAddress.TryParse(address, out var mailbox) && mailbox.GetAddress(idnEncode: true) == address
            ? mailbox : throw new InvalidOperationException("A mail's recipient is not an address.");

    static TextPart Part(string subtype, string text)
    {
        var part = new TextPart(subtype);
        part.SetText(Ascii.IsValid(text) ? Encoding.ASCII : Encoding.UTF8, EnsureSendable(text));
        // Quoted-printable or base64 (RFC 2045, 6) for what is not ASCII, or too long for a line.
        part.ContentTransferEncoding = part.GetBestEncoding(EncodingConstraint.SevenBit, LineMaxLength);
        return part;
    }

    static string EnsureSendable(string text) =>
        text.Split("\r\n").All(l => !l.Any(char.IsControl))
            ? text : throw new InvalidOperationException("A mail has a control character.");

    static string EnsureNoLineEnd(string subject) => subject.Contains('\n', StringComparison.Ordinal)
        ? throw new InvalidOperationException("The subject of a mail has more than one line.") : EnsureSendable(subject);

    static FormatOptions MakeFormat()
    {
        var format = FormatOptions.Default.Clone();
        (format.NewLineFormat, format.EnsureNewLine) = (NewLineFormat.Dos, true);
        return format;
    }
}
