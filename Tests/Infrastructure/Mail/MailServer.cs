using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>A mail as the server received it.</summary>
sealed record ReceivedMail(bool Tls, string? Mechanism, string Helo, string From, string To, string Content);

/// <summary>A configurable mail server; packaged ones have no XOAUTH2 and no SCRAM, and accept every EHLO name.</summary>
sealed class MailServer : IAsyncDisposable
{
    public const string Username = "profiles", Password = "canary mail password", AccessToken = "canary.access-token";

    /// <summary>Part of every refusal; must never be in the log.</summary>
    public const string Words = "canary words of the server";

    static readonly X509Certificate2 Identity = MakeIdentity();

    readonly TcpListener listener = new(IPAddress.Loopback, 0);
    readonly ConcurrentQueue<ReceivedMail> received = new();
    readonly ConcurrentDictionary<string, bool> seen = new();
    readonly ConcurrentBag<Task> conversations = [];
    readonly CancellationTokenSource stopping = new();
    readonly Task accepting;

    public MailServer()
    {
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>The path of the server's certificate, for localhost.</summary>
    public static string Certificate { get; } = WriteCertificate();

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Mechanisms { get; set; } = "PLAIN LOGIN";

    public bool TlsFromTheStart { get; set; }

    public bool OffersStartTls { get; set; } = true;

    public bool RefusesLiterals { get; set; }

    public bool HangsUpAtQuit { get; set; }

    /// <summary>Sent in plain text right after the answer to STARTTLS, like a man in the middle would.</summary>
    public string Injected { get; set; } = "";

    public ReceivedMail[] Received => [.. received];

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await accepting;
        listener.Dispose();
        await Task.WhenAll(conversations);
        stopping.Dispose();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
                conversations.Add(TalkAsync(await listener.AcceptTcpClientAsync(stopping.Token)));
        }
        catch (OperationCanceledException)
        {
            // The test has ended.
        }
    }

    async Task TalkAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await new Conversation(this, client.GetStream()).RunAsync();
            }
            catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
            {
                // The client disconnected or does not trust the certificate, or the test has ended.
            }
        }
    }

    static X509Certificate2 MakeIdentity()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
    }

    static string WriteCertificate()
    {
        var path = Path.Combine(TemporaryDirectory.Make("smtp"), "server.pem");
        File.WriteAllText(path, Identity.ExportCertificatePem());
        return path;
    }

    sealed class Conversation(MailServer server, Stream stream)
    {
        Stream stream = stream;
        bool secured;
        string? mechanism;
        string helo = "", from = "", to = "";

        public async Task RunAsync()
        {
            if (server.TlsFromTheStart)
                await SecureAsync();
            await SayAsync("220 mail.example.com");
            while (true)
            {
                var line = await ReadLineAsync();
                var verb = line.Split(' ', ':')[0].ToUpperInvariant();
                if (verb == "QUIT" && server.HangsUpAtQuit)
                    return;
                await SayAsync(verb switch
                {
                    "EHLO" or "HELO" => Greet(verb, line[5..]),
                    "STARTTLS" => "220 go\r\n" + server.Injected,
                    "AUTH" => await AuthenticateAsync(line.Split(' ')),
                    "MAIL" => Begin(line),
                    "RCPT" => Accept(line),
                    "DATA" => "354 go",
                    "RSET" => "250 ok",
                    "QUIT" => "221 bye",
                    _ => $"502 {Words}",
                });
                if (verb == "STARTTLS")
                    await SecureAsync();
                if (verb == "DATA")
                    await SayAsync(await TakeAsync());
                if (verb == "QUIT")
                    return;
            }
        }

        async Task SecureAsync()
        {
            var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Identity }, server.stopping.Token);
            (stream, secured) = (tls, true);
        }

        string Greet(string verb, string name)
        {
            if (server.RefusesLiterals && name.StartsWith('['))
                return $"550 5.7.1 {Words}: {name} is no name";
            helo = name;
            var offers = secured || !server.OffersStartTls ? $"250-AUTH {server.Mechanisms}" : "250-STARTTLS";
            // Offers SMTPUTF8, but the client must not convert Punycode addresses to UTF-8.
            return verb == "HELO" ? "250 mail.example.com" : $"250-mail.example.com\r\n{offers}\r\n250-8BITMIME\r\n250 SMTPUTF8";
        }

        string Begin(string line)
        {
            from = Between(line);
            return server.OffersStartTls && mechanism is null ? $"530 5.7.0 {Words}" : "250 ok";
        }

        string Accept(string line)
        {
            to = Between(line);
            return to.StartsWith("refused-", StringComparison.Ordinal) ? $"550 5.1.1 {Words}: <{to}> is nobody here"
                : to.StartsWith("later-", StringComparison.Ordinal) && server.seen.TryAdd(to, true)
                    ? $"451 4.7.1 {Words}: <{to}> may be tried again"
                : "250 ok";
        }

        async Task<string> TakeAsync()
        {
            var content = new StringBuilder();
            while (await ReadLineAsync() is var line && line != ".")
                content.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
            if (to.StartsWith("spam-", StringComparison.Ordinal))
                return $"554 5.7.1 {Words}: <{to}> does not want this";
            server.received.Enqueue(new(secured, mechanism, helo, from, to, content.ToString()));
            return "250 taken";
        }

        async Task<string> AuthenticateAsync(string[] command)
        {
            var asked = command[1];
            if (!server.Mechanisms.Split(' ').Contains(asked))
                return $"504 5.7.4 {Words}";
            var first = command.Length > 2 ? Encoding.UTF8.GetString(Convert.FromBase64String(command[2])) : null;
            var right = asked switch
            {
                "PLAIN" => (first ?? await AskAsync("")) == $"\0{Username}\0{Password}",
                "LOGIN" => (first ?? await AskAsync("Username:")) == Username && await AskAsync("Password:") == Password,
                "XOAUTH2" => first == $"user={Username}\u0001auth=Bearer {AccessToken}\u0001\u0001" || await ExplainAsync(),
                "SCRAM-SHA-256" => await IsScramAsync(first ?? await AskAsync("")),
                _ => false,
            };
            mechanism = right ? asked : null;
            return right ? "235 ok" : $"535 5.7.8 {Words}";
        }

        // RFC 5802, the server's side.
        async Task<bool> IsScramAsync(string first)
        {
            byte[] salt = [1, 2, 3, 4, 5, 6, 7, 8];
            var bare = first.Split(',', 3)[2];
            var offer = $"r={bare.Split("r=")[1]}server,s={Convert.ToBase64String(salt)},i=4096";
            var final = await AskAsync(offer);
            var signed = Encoding.UTF8.GetBytes($"{bare},{offer},{final[..final.LastIndexOf(",p=", StringComparison.Ordinal)]}");
            var salted = Rfc2898DeriveBytes.Pbkdf2(Password, salt, 4096, HashAlgorithmName.SHA256, 32);
            var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
            var signature = HMACSHA256.HashData(SHA256.HashData(clientKey), signed);
            var proof = clientKey.Zip(signature, (a, b) => (byte)(a ^ b));
            if (!final.EndsWith($",p={Convert.ToBase64String([.. proof])}", StringComparison.Ordinal))
                return false;
            await AskAsync($"v={Convert.ToBase64String(HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), signed))}");
            return true;
        }

        // A refused token is first answered with the reason, in JSON.
        async Task<bool> ExplainAsync()
        {
            await AskAsync($$"""{"status":"401","words":"{{Words}}"}""");
            return false;
        }

        async Task<string> AskAsync(string challenge)
        {
            await SayAsync($"334 {Convert.ToBase64String(Encoding.UTF8.GetBytes(challenge))}");
            return Encoding.UTF8.GetString(Convert.FromBase64String(await ReadLineAsync()));
        }

        async Task SayAsync(string answer) =>
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer.TrimEnd() + "\r\n"), server.stopping.Token);

        async Task<string> ReadLineAsync()
        {
            var (line, one) = (new StringBuilder(), new byte[1]);
            while (line.Length < 2 || line[^1] != '\n' || line[^2] != '\r')
            {
                if (await stream.ReadAsync(one, server.stopping.Token) == 0)
                    throw new IOException("The client has hung up.");
                line.Append((char)one[0]);
            }
            return line.ToString(0, line.Length - 2);
        }

        static string Between(string line) => line.Split('<', '>')[1];
    }
}
