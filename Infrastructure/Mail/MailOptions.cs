using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MimeKit;

namespace Profiles.Infrastructure.Mail;

/// <summary>How the connection to the mail server is encrypted.</summary>
public enum MailTls
{
    /// <summary>With STARTTLS. A server that does not offer it gets no mail.</summary>
    StartTls,

    /// <summary>With TLS from the start.</summary>
    Implicit,

    /// <summary>Not encrypted. Allowed only for a relay on the same machine, without a login.</summary>
    None,
}

/// <summary>Settings of mail.</summary>
public sealed class MailOptions
{
    const string Token = "{token}";

    // The URL and the token must fit into one line of a mail (RFC 5322, 2.1.1).
    const int TemplateMaxLength = 500;

    const int ImplicitTlsPort = 465;

    /// <summary>The host name or address of the mail server (RFC 6409). Without it mails are files in <c>DataDirectory/mail</c>.</summary>
    public string? Host { get; set; }

    /// <summary>The port of the mail server: 587 is submission with STARTTLS, 465 submission over TLS from the start.</summary>
    [Range(1, 65535)]
    public int Port { get; set; } = 587;

    /// <summary>
    /// The user name at the mail server. Needs one of <see cref="Password"/>, <see cref="AccessToken"/> and <see cref="AccessTokenFile"/>.
    /// </summary>
    public string? Username { get; set; }

    /// <summary>The password at the mail server, sent by SCRAM, PLAIN or LOGIN, whichever the server offers.</summary>
    public string? Password { get; set; }

    /// <summary>An OAuth 2.0 access token in place of the password, sent by XOAUTH2.</summary>
    public string? AccessToken { get; set; }

    /// <summary>A file with that token, read for each mail, so that a renewed token needs no restart.</summary>
    public string? AccessTokenFile { get; set; }

    /// <summary>
    /// The sender of mails, such as <c>Profiles &lt;no-reply@example.com&gt;</c>. Must be set when <see cref="Host"/> is.
    /// </summary>
    public string? From { get; set; }

    /// <summary>
    /// How the connection is encrypted: with STARTTLS, with TLS from the start (<c>Implicit</c>), or not at all (<c>None</c>), which is
    /// allowed only for a relay on the same machine, without a login.
    /// </summary>
    /// <value><c>Implicit</c> on port 465, else <c>StartTls</c></value>
    public MailTls? Tls { get; set; }

    /// <summary>The older name: <c>false</c> is <see cref="MailTls.None"/>. <see cref="Tls"/> takes precedence.</summary>
    public bool StartTls { get; set; } = true;

    /// <summary>The host name or address that the service gives in EHLO.</summary>
    /// <value>The domain of <see cref="From"/></value>
    public string? EhloName { get; set; }

    /// <summary>A PEM file of the root certificates that the server's certificate must be issued under.</summary>
    /// <value>The certificates that the system trusts</value>
    public string? RootCertificate { get; set; }

    /// <summary>How long handing one mail to the server may take, 00:00:01 to 00:05:00.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The app's address for a new password, with <c>{token}</c> in it. Without it the mail shows the token, to be copied into the app.
    /// </summary>
    public string? ResetUrl { get; set; }

    /// <summary>
    /// The app's address for the confirmation of an e-mail address, with <c>{token}</c> in it. Without it the mail shows the token.
    /// </summary>
    public string? VerifyUrl { get; set; }

    /// <summary>
    /// Whether the mails that confirm an address or set a new password have six digits too, valid for ten minutes, for apps that ask for
    /// them in place of opening the link or copying the token; the answers then have the <c>request_token</c> that goes with them. The mail
    /// of <c>POST /login/code</c> always has them.
    /// </summary>
    public bool Codes { get; set; }

    /// <summary>
    /// A directory of templates that mails are written by in place of the service's own (docs/mails.md): <c>layout.html</c>,
    /// <c>layout.txt</c> and <c>LOCALE.liquid</c>, as many of them as are to differ. A broken one stops the start.
    /// </summary>
    public string? Templates { get; set; }

    /// <summary>Null when <see cref="From"/> is no address.</summary>
    internal MailboxAddress? Sender =>
        From is null ? new("Profiles", "profiles@localhost")
        : From.All(c => c is >= ' ' and <= '~') && MailboxAddress.TryParse(From, out var sender) && sender.Domain.Length > 0 ? sender
        : null;

    internal MailTls EffectiveTls =>
        Tls ?? (!StartTls ? MailTls.None : Port == ImplicitTlsPort ? MailTls.Implicit : MailTls.StartTls);

    internal bool IsHostLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>The token of <see cref="AccessToken"/> or of its file; null when there is none or it is malformed.</summary>
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

    /// <summary>Whether the value is a URL with one <c>{token}</c> in it; the scheme may be an app's own.</summary>
    internal static bool IsTemplate(string value) =>
        value.Length <= TemplateMaxLength && value.Split(Token).Length == 2
            && value.All(c => c is > ' ' and <= '~' and not '"' and not '<' and not '>')
            && Uri.TryCreate(value.Replace(Token, "x", StringComparison.Ordinal), UriKind.Absolute, out var uri)
            && uri.Scheme is not ("javascript" or "data" or "file");

    internal static string Fill(string template, string token) => template.Replace(Token, token, StringComparison.Ordinal);
}
