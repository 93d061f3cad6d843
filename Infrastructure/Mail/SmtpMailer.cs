using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Profiles.Infrastructure.Mail;

/// <summary>Hands mails to a mail server (RFC 6409) with MailKit.</summary>
sealed class SmtpMailer(IOptions<MailOptions> options) : IMailer
{
    public async Task SendAsync(string recipient, MimeMessage message, CancellationToken ct)
    {
        var settings = options.Value;
        var to = MailMessage.Mailbox(recipient);
        // One deadline for the whole conversation, against a server that answers byte by byte: MailKit's own is for each step.
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(settings.Timeout);
        // No revocation check: a mail would wait for the list of another server.
        using var client = new SmtpClient(new AnswerLimit())
        {
            LocalDomain = settings.EhloName ?? settings.Sender!.Domain,
            CheckCertificateRevocation = false,
        };
        var faults = SslPolicyErrors.None;
        client.ServerCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            faults = ValidateCertificate(settings, certificate, chain, errors);
            return faults == SslPolicyErrors.None;
        };
        try
        {
            await client.ConnectAsync(settings.Host!, settings.Port, Security(settings.EffectiveTls), deadline.Token);
            await LogInAsync(client, settings, deadline.Token);
            // Without SMTPUTF8 an address in Punycode is sent as it is stored.
            client.Capabilities &= ~SmtpCapabilities.UTF8;
            await client.SendAsync(MailMessage.Format, message, settings.Sender!, [to], deadline.Token);
        }
        catch (Exception e) when (e is not MailException)
        {
            ct.ThrowIfCancellationRequested();
            throw deadline.IsCancellationRequested ? new MailException("The mail server took too long.") : Explain(e, faults);
        }
        try
        {
            await client.DisconnectAsync(quit: true, deadline.Token);
        }
        catch (Exception)
        {
            // The server has the mail, however the conversation ends; a second mail would invalidate the token of the first.
        }
    }

    static async Task LogInAsync(SmtpClient client, MailOptions settings, CancellationToken ct)
    {
        var offered = client.AuthenticationMechanisms;
        if (settings.Username is null)
            return;
        if (settings.Password is null)
        {
            var token = settings.BearerToken ?? throw new MailException("Mail__AccessTokenFile has no token.");
            if (!offered.Contains("XOAUTH2"))
                throw new MailException("The mail server does not offer XOAUTH2.");
            await client.AuthenticateAsync(new SaslMechanismOAuth2(settings.Username, token), ct);
            return;
        }
        // MailKit would try NTLM and the MD5 mechanisms first, which are no better than a password inside TLS.
        offered.RemoveWhere(m => m is not ("PLAIN" or "LOGIN") && !m.StartsWith("SCRAM-", StringComparison.Ordinal));
        if (offered.Count == 0)
            throw new MailException("The mail server offers none of PLAIN, LOGIN and SCRAM.");
        await client.AuthenticateAsync(settings.Username, settings.Password, ct);
    }

    static SecureSocketOptions Security(MailTls tls) => tls switch
    {
        MailTls.Implicit => SecureSocketOptions.SslOnConnect,
        MailTls.None => SecureSocketOptions.None,
        _ => SecureSocketOptions.StartTls,
    };

    // With Mail__RootCertificate the system's roots are not trusted; the host name must still match.
    static SslPolicyErrors ValidateCertificate(
        MailOptions settings, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (settings.RootCertificate is null || certificate is not X509Certificate2 shown || chain is null)
            return errors;
        (chain.ChainPolicy.TrustMode, chain.ChainPolicy.RevocationMode) = (X509ChainTrustMode.CustomRootTrust, X509RevocationMode.NoCheck);
        chain.ChainPolicy.CustomTrustStore.AddRange(settings.Roots ?? []);
        return chain.Build(shown)
            ? errors & ~SslPolicyErrors.RemoteCertificateChainErrors
            : errors | SslPolicyErrors.RemoteCertificateChainErrors;
    }

    // The messages of MailKit's exceptions repeat the server's own words: the log gets only codes and kinds.
    static MailException Explain(Exception fault, SslPolicyErrors certificateFaults) => fault switch
    {
        SmtpCommandException c => new($"The mail server answered with {(int)c.StatusCode} ({c.ErrorCode}).")
        {
            Refused = (int)c.StatusCode is >= 500 and < 600
                && c.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted,
        },
        ServiceNotAuthenticatedException => new("The mail server requires a login."),
        AuthenticationException a => new(a.Message.Split(':')[0] is { Length: 3 } code && code.All(char.IsAsciiDigit)
            ? $"The mail server answered the login with {code}."
            : "The mail server refused the login."),
        SslHandshakeException => new(certificateFaults == SslPolicyErrors.None
            ? "The TLS handshake with the mail server failed."
            : $"The mail server's certificate is not accepted ({certificateFaults})."),
        NotSupportedException => new("The mail server does not offer STARTTLS: nothing is sent unencrypted."),
        SmtpProtocolException => new("The mail server closed the connection or did not answer in SMTP."),
        _ => new($"The connection to the mail server failed ({Kind(fault)})."),
    };

    static string Kind(Exception fault) =>
        (fault as SocketException ?? fault.InnerException as SocketException)?.SocketErrorCode.ToString() ?? fault.GetType().Name;

    // MailKit buffers an answer whole, however long it is.
    sealed class AnswerLimit : IProtocolLogger
    {
        const int MaxBytes = 64 * 1024;

        int received;

        public IAuthenticationSecretDetector? AuthenticationSecretDetector { get; set; }

        public void LogServer(byte[] buffer, int offset, int count)
        {
            received += count;
            if (received > MaxBytes)
                throw new MailException("The mail server sent too much.");
        }

        // Nothing is logged.
        public void LogConnect(Uri uri) { }

        public void LogClient(byte[] buffer, int offset, int count) { }

        public void Dispose() { }
    }
}
