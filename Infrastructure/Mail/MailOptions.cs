using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Profiles.Infrastructure.Mail;

/// <summary>Settings of the mails.</summary>
public sealed class MailOptions
{
    const string Token = "{token}";

    // What a line of a mail may have (RFC 5322, 2.1.1) has room for it and the token.
    const int TemplateMaxLength = 500;

    /// <summary>The mail server that takes mails in (RFC 6409). Null: mails are files in <c>DataDirectory/mail</c>.</summary>
    public string? Host { get; set; }

    /// <summary>587 is submission with STARTTLS, 465 submission over TLS.</summary>
    public int Port { get; set; } = 587;

    /// <summary>Null: the server asks for none.</summary>
    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>Whom mails come from, such as <c>Profiles &lt;no-reply@example.com&gt;</c>; must be set when <see cref="Host"/> is.</summary>
    public string? From { get; set; }

    /// <summary>Nothing is sent but over TLS with a valid certificate.</summary>
    public bool StartTls { get; set; } = true;

    /// <summary>A file of the certificates (PEM) that the server's must come from. Null: those that the system trusts.</summary>
    public string? RootCertificate { get; set; }

    /// <summary>How long the handing over of one mail may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The app's address for a new password, with <c>{token}</c> in it. Null: the mail shows the token, to be copied into the app.</summary>
    public string? ResetUrl { get; set; }

    /// <summary>The same for an address that is to be verified.</summary>
    public string? VerifyUrl { get; set; }

    /// <summary>Null when <see cref="From"/> is no address.</summary>
    internal MailAddress? Sender =>
        MailAddress.TryCreate(From ?? "Profiles <profiles@localhost>", out var sender) && (sender.DisplayName + sender.Address).All(c => c is >= ' ' and <= '~' and not '"' and not '\\') ? sender : null;

    /// <summary>Null when <see cref="RootCertificate"/> cannot be read.</summary>
    internal X509Certificate2Collection? Roots
    {
        get
        {
            try
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPemFile(RootCertificate!);
                return roots.Count > 0 ? roots : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                return null;
            }
        }
    }

    /// <summary>Whether it is an address with a place for a token; the scheme may be an app's own.</summary>
    internal static bool IsTemplate(string value) =>
        value.Length <= TemplateMaxLength && value.Split(Token).Length == 2 && value.All(c => c is > ' ' and <= '~' and not '"' and not '<' and not '>')
            && Uri.TryCreate(value.Replace(Token, "x", StringComparison.Ordinal), UriKind.Absolute, out var uri) && uri.Scheme is not ("javascript" or "data" or "file");

    internal static string Fill(string template, string token) => template.Replace(Token, token, StringComparison.Ordinal);
}
