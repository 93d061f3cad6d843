using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using FastEndpoints.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Tests.Infrastructure.Auth;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>A mail as the server took it.</summary>
public sealed record TakenMail(bool Tls, bool Authenticated, string Helo, string From, string[] To, string Content);

/// <summary>A service that hands its mails to a real mail server, Debian's aiosmtpd, over STARTTLS and with a password.</summary>
public sealed class SmtpFixture : ProfilesFixture
{
    public const string Username = "profiles", Password = "canary mail password";

    readonly string directory = TemporaryDirectory.Make("smtp");
    Process? server;

    public int Port { get; } = FreePort.Take();

    public string Certificate => Path.Combine(directory, "server.pem");

    public TakenMail[] Taken => [.. Directory.GetFiles(directory, "*.json").Order(StringComparer.Ordinal).Select(f => JsonSerializer.Deserialize<TakenMail>(File.ReadAllText(f), JsonSerializerOptions.Web)!)];

    internal MailOptions Options => new() { Host = "localhost", Port = Port, Username = Username, Password = Password, From = "Profiles <no-reply@example.com>", RootCertificate = Certificate, Timeout = TimeSpan.FromSeconds(5) };

    public async Task<TakenMail> TakenAsync(string address, string? subject = null)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            if (Taken.FirstOrDefault(m => m.To.Contains(address) && (subject is null || m.Content.Contains($"Subject: {subject}\r\n", StringComparison.Ordinal))) is { } mail)
                return mail;
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), $"No mail to {address}.");
            await Task.Delay(50);
        }
    }

    protected override async ValueTask PreSetupAsync()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(Certificate, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(directory, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        server = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Infrastructure", "Mail", "mail_server.py"), $"{Port}", directory, Certificate, Path.Combine(directory, "key.pem"), Username, Password])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        (await server.StandardOutput.ReadLineAsync()).ShouldBe("ready", "Debian's python3-aiosmtpd is needed: ./dev test installs it.");
    }

    protected override async ValueTask TearDownAsync()
    {
        server!.StandardInput.Close();
        await server.WaitForExitAsync();
        server.Dispose();
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        foreach (var (name, value) in new[]
        {
            ("Host", "localhost"), ("Port", $"{Port}"), ("Username", Username), ("Password", Password), ("From", Options.From!), ("RootCertificate", Certificate),
            ("Timeout", "00:00:05"), ("ResetUrl", "https://app.example.com/reset?lang=en&token={token}"),
        })
            a.UseSetting($"Mail:{name}", value);
    }
}

/// <summary>How mails get to a mail server, and what becomes of those that do not.</summary>
// The database has no part in it: once is enough.
[Trait("Database", "Sqlite")]
[Collection(nameof(MovedClock))]
public sealed class SmtpTests(SmtpFixture app) : TestBase<SmtpFixture>
{
    [Fact]
    public async Task A_mail_is_handed_over_encrypted_and_with_the_password_and_its_link_works()
    {
        var user = await app.CreateUserAsync();
        var first = await app.TakenAsync(user.Email);
        (first.Tls, first.Authenticated, first.From, first.To.Single()).ShouldBe((true, true, "no-reply@example.com", user.Email));
        first.Helo.ShouldBe("[127.0.0.1]");
        first.Content.ShouldContain("From: \"Profiles\" <no-reply@example.com>\r\n");
        first.Content.ShouldContain("Subject: Confirm your e-mail address\r\n");
        first.Content.ShouldContain("Content-Type: multipart/alternative;");

        // To the address as it is stored, however it is written now.
        var spelling = user.Email.ToUpperInvariant();
        (await app.Client.PostAsJsonAsync("/password/forgot", new { email = spelling }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var content = (await app.TakenAsync(user.Email, "Set a new password")).Content;
        // Text and HTML.
        content.ShouldContain("\r\nhttps://app.example.com/reset?lang=en&token=");
        content.ShouldContain("<a href=\"https://app.example.com/reset?lang=en&amp;token=");
        var token = new TestMail("", content).Token;
        (await app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = "another horse battery staple" }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Lines_that_begin_with_a_dot_arrive_as_they_were()
    {
        const string content = ".first\r\n\r\n.\r\n..two\r\nMAIL FROM:<a@example.com>\r\nlast.\r\n";
        await new SmtpMailer(Options.Create(app.Options)).SendAsync("dots@example.com", Encoding.ASCII.GetBytes(content), Cancellation);
        (await app.TakenAsync("dots@example.com")).Content.ShouldBe(content);
    }

    [Fact]
    public async Task An_address_that_the_server_refuses_for_good_is_given_up()
    {
        var email = await RegisterAsync("refused");
        await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        app.Taken.ShouldAllBe(m => !m.To.Contains(email));
    }

    [Fact]
    public async Task An_address_that_the_server_takes_later_gets_its_mail_later_and_once()
    {
        var email = await RegisterAsync("later");
        await UntilAsync(async () => (await EntriesAsync(email)) is [{ Attempts: 1 }]);
        var due = (await EntriesAsync(email))[0].DueAt - app.Clock.GetUtcNow().UtcDateTime;
        due.ShouldBeInRange(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20));
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        try
        {
            await app.TakenAsync(email);
            await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        }
        finally
        {
            app.Clock.Reset();
        }
        app.Taken.Count(m => m.To.Contains(email)).ShouldBe(1);
    }

    [Fact]
    public async Task After_three_days_it_is_given_up()
    {
        var email = $"late-{Guid.NewGuid():N}@example.com";
        var created = app.Clock.GetUtcNow().UtcDateTime - MailHandler.GivenUpAfter - TimeSpan.FromMinutes(1);
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new() { Store = OutboxStore.Mail, State = OutboxState.Settling, Mail = MailKind.VerifyEmail, UserId = 0, Key = email, CreatedAt = created, DueAt = created });
            return db.SaveChangesAsync(Cancellation);
        });
        await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        app.Taken.ShouldAllBe(m => !m.To.Contains(email));
    }

    [Fact]
    public async Task A_wrong_password_a_certificate_that_nobody_vouches_for_and_another_name_are_no_refusals_of_the_address()
    {
        var (wrong, unknown, other) = (app.Options, app.Options, app.Options);
        (wrong.Password, unknown.RootCertificate, other.Host) = ("wrong", null, "127.0.0.1");
        (await FailAsync(wrong)).Message.ShouldBe("The mail server answered AUTH with 535.");
        (await FailAsync(unknown)).Message.ShouldBe("The mail server cannot be talked to.");
        (await FailAsync(other)).Message.ShouldBe("The mail server cannot be talked to.");
    }

    public static TheoryData<string?, string> Servers => new()
    {
        { null, "The mail server cannot be talked to." },
        { "", "The mail server took too long." },
        { "220 hello\r\n<EHLO>250 here\r\n", "The mail server offers no STARTTLS: nothing is sent in the clear." },
        { "220 hello\r\n<EHLO>250-here\r\n250 STARTTLS\r\n<STARTTLS>220 go\r\n250 injected\r\n", "The mail server spoke out of turn before STARTTLS." },
        { "554 not today\r\n", "The mail server answered the connection with 554." },
        { "220 hello\r\n<EHLO>\u0001\u0002\r\n", "The mail server answered EHLO in no words of SMTP." },
        { "endless", "The mail server says too much." },
    };

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_server_that_is_down_or_hangs_or_does_as_it_likes_costs_one_limit_of_time(string? says, string message)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var options = app.Options;
        (options.Host, options.Port, options.Timeout) = ("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, TimeSpan.FromSeconds(1));
        if (says is null)
            listener.Stop();
        var serving = says is null ? Task.CompletedTask : SayAsync(listener, says);
        var start = Stopwatch.StartNew();
        (await FailAsync(options)).Message.ShouldBe(message);
        start.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        listener.Stop();
        await serving;
    }

    // Says each part when it has read a line that begins so; then nothing more.
    static async Task SayAsync(TcpListener listener, string says)
    {
        using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        try
        {
            var stream = client.GetStream();
            using var lines = new StreamReader(stream);
            if (says == "endless")
            {
                while (true)
                    await stream.WriteAsync("220-"u8.ToArray());
            }
            foreach (var part in says.Split('<'))
            {
                var (awaited, said) = part.Split('>') is [var before, var after] ? (before, after) : ("", part);
                if (awaited.Length > 0)
                    (await lines.ReadLineAsync(TestContext.Current.CancellationToken))!.ShouldStartWith(awaited);
                await stream.WriteAsync(Encoding.ASCII.GetBytes(said));
            }
            await lines.ReadLineAsync(TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // The client has hung up.
        }
    }

    static async Task<MailException> FailAsync(MailOptions options)
    {
        var fault = await Should.ThrowAsync<MailException>(() => new SmtpMailer(Options.Create(options)).SendAsync("john@example.com", "Subject: x\r\n\r\nx\r\n"u8.ToArray(), TestContext.Current.CancellationToken));
        fault.Refused.ShouldBeFalse();
        fault.ToString().ShouldNotContain("john");
        return fault;
    }

    async Task<string> RegisterAsync(string what)
    {
        var email = $"{what}-{Guid.NewGuid():N}@example.com";
        (await app.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "correct horse battery staple" }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Created);
        return email;
    }

    Task<OutboxEntry[]> EntriesAsync(string email) => app.QueryAsync(db => db.Outbox.AsNoTracking().Where(e => e.Key == email).ToArrayAsync(Cancellation));

    async Task UntilAsync(Func<Task<bool>> reached)
    {
        var patience = Stopwatch.StartNew();
        while (!await reached())
        {
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(50, Cancellation);
        }
    }
}

/// <summary>A service whose mail server takes calls and says nothing for a minute.</summary>
public sealed class HangingMailFixture : ProfilesFixture
{
    readonly TcpListener listener = new(IPAddress.Loopback, 0);

    protected override ValueTask PreSetupAsync()
    {
        listener.Start();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask TearDownAsync()
    {
        listener.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Mail:Host", "127.0.0.1");
        a.UseSetting("Mail:Port", $"{((IPEndPoint)listener.LocalEndpoint).Port}");
        a.UseSetting("Mail:From", "no-reply@example.com");
        a.UseSetting("Mail:StartTls", "false");
        a.UseSetting("Mail:Timeout", "00:01:00");
    }
}

[Trait("Database", "Sqlite")]
public sealed class HangingMailTests(HangingMailFixture app) : TestBase<HangingMailFixture>
{
    [Fact]
    public async Task It_holds_up_neither_requests_nor_pictures_and_nothing_is_lost()
    {
        var start = Stopwatch.StartNew();
        var user = await app.CreateUserAsync();
        for (var i = 0; i < 8; i++)
            (await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        // All that are sent at once wait now.
        while (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Attempts == 1, Cancellation)) < 4)
            await Task.Delay(50, Cancellation);
        var entry = new OutboxEntry { Store = OutboxStore.LocalImages, State = OutboxState.Settling, UserId = user.Id, Key = "none", CreatedAt = DateTime.UnixEpoch, DueAt = DateTime.UnixEpoch };
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(entry);
            return db.SaveChangesAsync(Cancellation);
        });
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.Id == entry.Id, Cancellation)))
            await Task.Delay(50, Cancellation);
        start.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(40));
        var ready = await (await app.Client.GetAsync("/health/ready", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        ready.GetProperty("pending").GetInt32().ShouldBe(9);
    }
}
