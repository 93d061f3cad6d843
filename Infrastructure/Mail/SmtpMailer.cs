using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Mail;

/// <summary>
/// Hands mails to a mail server: submission (RFC 6409) over SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954). Written here because the framework's
/// <c>SmtpClient</c> knows no AUTH PLAIN and no limit of time when it does not block a thread, and makes the mail itself; the registry has no MailKit.
/// </summary>
sealed class SmtpMailer(IOptions<MailOptions> options) : IMailer
{
    const int TlsFromTheStart = 465;

    public async Task SendAsync(string recipient, byte[] message, CancellationToken ct)
    {
        var settings = options.Value;
        // One limit for all of it: a server that says a word now and then is no better than one that says none.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(settings.Timeout);
        var taken = false;
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(settings.Host!, settings.Port, patience.Token);
            using var connection = new Conversation(client.GetStream(), patience.Token);
            var greeting = $"EHLO {Literal((IPEndPoint)client.Client.LocalEndPoint!)}";
            if (settings.StartTls && settings.Port == TlsFromTheStart)
                await connection.SecureAsync(Tls(settings));
            await connection.ExpectAsync(220);
            var offered = await connection.AskAsync(greeting, 250);
            if (settings.StartTls && settings.Port != TlsFromTheStart)
            {
                if (!offered.Contains("STARTTLS", StringComparer.OrdinalIgnoreCase))
                    throw new MailException("The mail server offers no STARTTLS: nothing is sent in the clear.");
                await connection.AskAsync("STARTTLS", 220);
                await connection.SecureAsync(Tls(settings));
                await connection.AskAsync(greeting, 250);
            }
            if (settings.Username is { } username)
                await connection.AskAsync($"AUTH PLAIN {Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{username}\0{settings.Password}"))}", 235);
            await connection.AskAsync($"MAIL FROM:<{settings.Sender!.Address}>", 250);
            await connection.AskAsync($"RCPT TO:<{MailMessage.OneWord(recipient)}>", 250, isOfThisMail: true);
            await connection.AskAsync("DATA", 354);
            await connection.WriteAsync(Stuffed(message));
            await connection.ExpectAsync(250, "DATA", isOfThisMail: true);
            taken = true;
            await connection.WriteAsync("QUIT\r\n"u8.ToArray());
        }
        catch (Exception) when (taken)
        {
            // It has the mail: how the conversation ends changes nothing, and to send it again would end the token in it.
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new MailException("The mail server took too long.");
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new MailException("The mail server cannot be talked to.", e);
        }
    }

    static SslClientAuthenticationOptions Tls(MailOptions settings)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = settings.Host };
        if (settings.RootCertificate is not null)
        {
            tls.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(settings.Roots ?? []);
        }
        return tls;
    }

    // RFC 5321, 4.1.3: a name that means nothing elsewhere would be refused by some.
    static string Literal(IPEndPoint end)
    {
        var address = end.Address.IsIPv4MappedToIPv6 ? end.Address.MapToIPv4() : end.Address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]";
    }

    // RFC 5321, 4.5.2: a dot alone on a line would end the mail.
    static byte[] Stuffed(byte[] message)
    {
        var text = Encoding.ASCII.GetString(message).Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        return Encoding.ASCII.GetBytes((text.StartsWith('.') ? "." : "") + text + ".\r\n");
    }

    // What is asked and answered, by the line; the longest answer is bounded.
    sealed class Conversation(Stream stream, CancellationToken ct) : IDisposable
    {
        const int AnswerMaxLength = 16 * 1024;

        readonly byte[] buffer = new byte[1024];
        Stream stream = stream;
        int position, filled;

        public async Task SecureAsync(SslClientAuthenticationOptions tls)
        {
            // What came before the encryption is nobody's word (CVE-2011-0411).
            if (position < filled)
                throw new MailException("The mail server spoke out of turn before STARTTLS.");
            var secured = new SslStream(stream);
            stream = secured;
            await secured.AuthenticateAsClientAsync(tls, ct);
        }

        public async Task<IReadOnlyList<string>> AskAsync(string command, int expected, bool isOfThisMail = false)
        {
            await WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"));
            return await ExpectAsync(expected, command.Split(' ', ':')[0], isOfThisMail);
        }

        public async Task WriteAsync(byte[] bytes)
        {
            await stream.WriteAsync(bytes, ct);
            await stream.FlushAsync(ct);
        }

        // The lines of the answer without their codes.
        public async Task<IReadOnlyList<string>> ExpectAsync(int expected, string step = "the connection", bool isOfThisMail = false)
        {
            var lines = new List<string>();
            var left = AnswerMaxLength;
            while (true)
            {
                var line = await ReadLineAsync(left);
                left -= line.Length + 1;
                if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), out var code))
                    throw new MailException($"The mail server answered {step} in no words of SMTP.");
                lines.Add(line.Length > 4 ? line[4..].Trim() : "");
                if (line.Length > 3 && line[3] == '-')
                    continue;
                // 251 is yes too, of one that is passed on.
                return code == expected || (expected == 250 && code == 251) ? lines
                    : throw new MailException($"The mail server answered {step} with {code}.") { Refused = isOfThisMail && code is >= 500 and < 600 };
            }
        }

        public void Dispose() => stream.Dispose();

        async Task<string> ReadLineAsync(int most)
        {
            var line = new StringBuilder();
            while (line.Length < most)
            {
                if (position == filled)
                {
                    (position, filled) = (0, await stream.ReadAsync(buffer, ct));
                    if (filled == 0)
                        throw new MailException("The mail server hung up.");
                }
                var c = (char)buffer[position++];
                if (c == '\n')
                    return line.ToString().TrimEnd('\r');
                line.Append(c);
            }
            throw new MailException("The mail server says too much.");
        }
    }
}
