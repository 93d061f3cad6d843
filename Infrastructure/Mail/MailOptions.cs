using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MimeKit;

namespace Profiles.Infrastructure.Mail;

/// <summary>How what goes to the mail server is encrypted.</summary>
public enum MailTls
{
    /// <summary>After STARTTLS. Nothing is sent to a server that does not offer it.</summary>
    StartTls,

    /// <summary>From the start.</summary>
    Implicit,

    /// <summary>Not at all: for a relay on the same machine, without a login.</summary>
    None,
}

/// <summary>Settings of the mails.</summary>
public sealed class MailOptions
{
    const string Token = "{token}";

    // What a line of a mail may have (RFC 5322, 2.1.1) has room for it and the token.
    const int TemplateMaxLength = 500;

    const int PortOfImplicitTls = 465;

    /// <summary>The mail server that takes mails in (RFC 6409). Null: mails are files in <c>DataDirectory/mail</c>.</summary>
    public string? Host { get; set; }

    /// <summary>587 is submission with STARTTLS, 465 submission over TLS from the start.</summary>
    public int Port { get; set; } = 587;

    /// <summary>Null: the server asks for none.</summary>
    public string? Username { get; set; }

    /// <summary>Sent by SCRAM, PLAIN or LOGIN, whichever the server offers.</summary>
    public string? Password { get; set; }

    /// <summary>In place of a password, an OAuth 2.0 access token, sent by XOAUTH2.</summary>
    public string? AccessToken { get; set; }

    /// <summary>A file with that token, read for each mail: tokens last an hour or so, and something else must renew it.</summary>
    public string? AccessTokenFile { get; set; }

    /// <summary>Whom mails come from, such as <c>Profiles &lt;no-reply@example.com&gt;</c>; must be set when <see cref="Host"/> is.</summary>
    public string? From { get; set; }

    /// <summary>Null: from the start on port 465, else STARTTLS.</summary>
    public MailTls? Tls { get; set; }

    /// <summary>The older name: <c>false</c> is <see cref="MailTls.None"/>. <see cref="Tls"/> takes precedence.</summary>
    public bool StartTls { get; set; } = true;

    /// <summary>The name, or the IP address, that the service gives in EHLO. Null: the domain of <see cref="From"/>.</summary>
    public string? EhloName { get; set; }

    /// <summary>A file of the certificates (PEM) that the server's must come from. Null: those that the system trusts.</summary>
    public string? RootCertificate { get; set; }

    /// <summary>How long the handing over of one mail may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The app's address for a new password, with <c>{token}</c> in it. Null: the mail shows the token, to be copied into the app.</summary>
    public string? ResetUrl { get; set; }

    /// <summary>The same for an address that is to be verified.</summary>
    public string? VerifyUrl { get; set; }

    /// <summary>Null when <see cref="From"/> is no address.</summary>
    internal MailboxAddress? Sender => From is null ? new("Profiles", "profiles@localhost")
        : From.All(c => c is >= ' ' and <= '~') && MailboxAddress.TryParse(From, out var sender) && sender.Domain.Length > 0 ? sender : null;

    internal MailTls EffectiveTls =>
        Tls ?? (!StartTls ? MailTls.None : Port == PortOfImplicitTls ? MailTls.Implicit : MailTls.StartTls);

    internal bool IsHostHere => Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The token of <see cref="AccessToken"/> or of its file; null when there is none, or what is there cannot be one.</summary>
    internal string? BearerToken
    {
        get
        {
            try
            {
                var token = AccessToken ?? (AccessTokenFile is null ? null : File.ReadAllText(AccessTokenFile).Trim());
                return token?.Length > 0 && token.All(c => c is > ' ' and <= '~') ? token : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

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
