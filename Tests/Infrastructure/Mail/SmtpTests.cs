using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>A service that sends its mails through a mail server, with STARTTLS and a password.</summary>
public sealed class SmtpFixture : ProfilesFixture
{
    readonly MailServer server = new();

    internal ReceivedMail[] Received => server.Received;

    internal MailOptions Options => OptionsFor(server);

    internal static MailOptions OptionsFor(MailServer server) => new()
    {
        Host = "localhost",
        Port = server.Port,
        Username = MailServer.Username,
        Password = MailServer.Password,
        From = "Profiles <no-reply@example.com>",
        RootCertificate = MailServer.Certificate,
        Timeout = TimeSpan.FromSeconds(5),
    };

    internal async Task<ReceivedMail> ReceivedAsync(string address, string? subject = null)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            if (Received.FirstOrDefault(m => m.To == address
                && (subject is null || m.Content.Contains($"Subject: {subject}\r\n", StringComparison.Ordinal))) is { } mail)
                return mail;
            patience.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30), $"No mail to {address}.");
            await Task.Delay(50);
        }
    }

    protected override async ValueTask TearDownAsync() => await server.DisposeAsync();

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        foreach (var (name, value) in new[]
        {
            ("Host", "localhost"), ("Port", $"{server.Port}"), ("Username", MailServer.Username), ("Password", MailServer.Password),
            ("From", Options.From!),
            ("RootCertificate", MailServer.Certificate), ("Timeout", "00:00:05"),
            ("ResetUrl", "https://app.example.com/reset?lang=en&token={token}"),
        })
            a.UseSetting($"Mail:{name}", value);
    }
}

/// <summary>Sends mails to a mail server and handles its refusals and failures.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Collection(nameof(MovedClock))]
public sealed class SmtpTests(SmtpFixture app) : TestBase<SmtpFixture>
{
    [Fact]
    public async Task A_mail_is_sent_over_TLS_with_a_login_and_its_link_works()
    {
        var user = await app.CreateUserAsync();
        var first = await app.ReceivedAsync(user.Email);
        (first.Tls, first.Mechanism, first.From).ShouldBe((true, "PLAIN", "no-reply@example.com"));
        first.Helo.ShouldBe("example.com");
        first.Content.ShouldContain("From: Profiles <no-reply@example.com>\r\n");
        first.Content.ShouldContain("Subject: Confirm your e-mail address\r\n");
        first.Content.ShouldContain("Content-Type: multipart/alternative;");

        // The mail goes to the stored spelling of the address.
        var spelling = user.Email.ToUpperInvariant();
        (await app.Client.PostAsJsonAsync("/password/forgot", new { email = spelling }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var content = (await app.ReceivedAsync(user.Email, "Set a new password")).Content;
        // The link in the text part and in the HTML part.
        content.ShouldContain("\r\nhttps://app.example.com/reset?lang=en&token=");
        content.ShouldContain("<a href=\"https://app.example.com/reset?lang=en&amp;token=");
        var token = new TestMail("", content).Token;
        (await app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = "another horse battery staple" }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Lines_that_begin_with_a_dot_arrive_as_they_were()
    {
        var text = new MailText(".", ".first\r\n\r\n.\r\n\r\n..two\r\n\r\nMAIL FROM:<a@example.com>\r\n\r\nlast.\r\n", "");
        using var message = MailMessage.Make(app.Options.Sender!, "dots@example.com", text, app.Clock.GetUtcNow());
        await new SmtpMailer(Options.Create(app.Options)).SendAsync("dots@example.com", message, Cancellation);
        var content = (await app.ReceivedAsync("dots@example.com")).Content;
        content.ShouldContain("\r\n\r\n.first\r\n\r\n.\r\n\r\n..two\r\n");
        // The server receives exactly what a mail file would contain.
        using var written = new MemoryStream();
        await message.WriteToAsync(MailMessage.Format, written, Cancellation);
        content.ShouldBe(Encoding.ASCII.GetString(written.ToArray()));
    }

    [Theory]
    [InlineData("de")]
    [InlineData("ja")]
    public async Task A_mail_in_another_script_arrives_as_it_was_written(string locale)
    {
        var templates = MailTemplateTests.Templates(app.Options);
        var recipient = $"{locale}@example.com";
        foreach (var sample in MailSample.All)
        {
            var content = sample.Content with { Locale = locale };
            using var message = templates.Compose(recipient, content, app.Clock.GetUtcNow());
            await new SmtpMailer(Options.Create(app.Options)).SendAsync(recipient, message, Cancellation);
            using var received = new TestMail("", app.Received.Last(m => m.To == recipient).Content).Message;
            var text = templates.Render(content);
            MailTemplateTests.Texts(received).ShouldBe([text.Subject, text.Plain, text.Html]);
        }
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("spam")]
    public async Task A_permanently_refused_address_or_mail_is_given_up(string what)
    {
        var email = await RegisterAsync(what);
        await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        app.Received.ShouldAllBe(m => m.To != email);
    }

    [Fact]
    public async Task A_temporarily_refused_address_gets_its_mail_later_and_once()
    {
        var email = await RegisterAsync("later");
        await UntilAsync(async () => (await EntriesAsync(email)) is [{ Attempts: 1 }]);
        var due = (await EntriesAsync(email))[0].DueAt - app.Clock.GetUtcNow().UtcDateTime;
        due.ShouldBeInRange(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20));
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        try
        {
            await app.ReceivedAsync(email);
            await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        }
        finally
        {
            app.Clock.Reset();
        }
        app.Received.Count(m => m.To == email).ShouldBe(1);
    }

    [Fact]
    public async Task A_mail_is_given_up_after_three_days()
    {
        var email = $"late-{Guid.NewGuid():N}@example.com";
        var created = app.Clock.GetUtcNow().UtcDateTime - MailHandler.GivenUpAfter - TimeSpan.FromMinutes(1);
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new()
            {
                Store = OutboxStore.Mail,
                State = OutboxState.Settling,
                Mail = MailKind.VerifyEmail,
                UserId = 0,
                Key = email,
                CreatedAt = created,
                DueAt = created
            });
            return db.SaveChangesAsync(Cancellation);
        });
        await UntilAsync(async () => (await EntriesAsync(email)).Length == 0);
        app.Received.ShouldAllBe(m => m.To != email);
    }

    [Fact]
    public async Task A_wrong_password_and_an_untrusted_certificate_or_host_name_are_not_refusals_of_the_address()
    {
        var (wrong, unknown, other) = (app.Options, app.Options, app.Options);
        (wrong.Password, unknown.RootCertificate, other.Host) = ("wrong", null, "127.0.0.1");
        (await FailAsync(wrong)).Message.ShouldBe("The mail server answered the login with 535.");
        (await FailAsync(unknown)).Message.ShouldBe("The mail server's certificate is not accepted (RemoteCertificateChainErrors).");
        (await FailAsync(other)).Message.ShouldBe("The mail server's certificate is not accepted (RemoteCertificateNameMismatch).");
    }

    [Theory]
    [InlineData("PLAIN", "PLAIN")]
    [InlineData("LOGIN XOAUTH2", "LOGIN")]
    [InlineData("NTLM CRAM-MD5 LOGIN", "LOGIN")]
    [InlineData("PLAIN LOGIN SCRAM-SHA-256", "SCRAM-SHA-256")]
    public async Task A_password_uses_the_best_mechanism_that_the_server_offers(string offered, string taken)
    {
        await using var server = new MailServer { Mechanisms = offered };
        await SendAsync(SmtpFixture.OptionsFor(server));
        server.Received.Single().Mechanism.ShouldBe(taken);
    }

    [Fact]
    public async Task An_access_token_uses_XOAUTH2_and_is_read_again_for_each_mail()
    {
        await using var server = new MailServer { Mechanisms = "LOGIN XOAUTH2" };
        var options = SmtpFixture.OptionsFor(server);
        (options.Password, options.AccessToken) = (null, MailServer.AccessToken);
        await SendAsync(options);
        var file = Path.Combine(TemporaryDirectory.Make("token"), "token");
        (options.AccessToken, options.AccessTokenFile) = (null, file);
        (await FailAsync(options)).Message.ShouldBe("Mail__AccessTokenFile has no token.");
        await File.WriteAllTextAsync(file, "old\n", Cancellation);
        (await FailAsync(options)).Message.ShouldBe("The mail server answered the login with 535.");
        await File.WriteAllTextAsync(file, $"{MailServer.AccessToken}\n", Cancellation);
        await SendAsync(options);
        server.Received.Select(m => m.Mechanism).ShouldBe(["XOAUTH2", "XOAUTH2"]);
    }

    [Theory]
    [InlineData("XOAUTH2", "The mail server offers none of PLAIN, LOGIN and SCRAM.")]
    [InlineData("CRAM-MD5 NTLM", "The mail server offers none of PLAIN, LOGIN and SCRAM.")]
    [InlineData("PLAIN LOGIN", "The mail server does not offer XOAUTH2.")]
    public async Task A_login_that_is_not_offered_is_not_tried(string offered, string message)
    {
        await using var server = new MailServer { Mechanisms = offered };
        var options = SmtpFixture.OptionsFor(server);
        if (offered == "PLAIN LOGIN")
            (options.Password, options.AccessToken) = (null, MailServer.AccessToken);
        (await FailAsync(options)).Message.ShouldBe(message);
    }

    [Theory]
    [InlineData(null, "example.com")]
    [InlineData("profiles.example.net", "profiles.example.net")]
    public async Task A_server_that_refuses_address_literals_gets_a_host_name(string? name, string told)
    {
        await using var server = new MailServer { RefusesLiterals = true };
        var options = SmtpFixture.OptionsFor(server);
        options.EhloName = name;
        await SendAsync(options);
        server.Received.Single().Helo.ShouldBe(told);
        options.EhloName = "192.0.2.1";
        (await FailAsync(options)).Message.ShouldBe("The mail server answered with 550 (UnexpectedStatusCode).");
    }

    [Fact]
    public async Task Implicit_TLS_works_on_any_port()
    {
        await using var server = new MailServer { TlsFromTheStart = true };
        var options = SmtpFixture.OptionsFor(server);
        options.Tls = MailTls.Implicit;
        await SendAsync(options);
        server.Received.Single().Tls.ShouldBeTrue();
    }

    [Theory]
    [InlineData(null, true, 587, MailTls.StartTls)]
    [InlineData(null, true, 465, MailTls.Implicit)]
    [InlineData(null, false, 465, MailTls.None)]
    [InlineData(MailTls.StartTls, false, 465, MailTls.StartTls)]
    public void The_default_for_TLS_follows_from_the_port_and_the_older_setting(MailTls? tls, bool startTls, int port,
        MailTls effective) =>
        new MailOptions { Tls = tls, StartTls = startTls, Port = port }.EffectiveTls.ShouldBe(effective);

    [Fact]
    public async Task A_relay_on_the_same_machine_needs_neither_TLS_nor_a_login()
    {
        await using var server = new MailServer { OffersStartTls = false };
        var options = SmtpFixture.OptionsFor(server);
        (options.Tls, options.Username, options.Password) = (MailTls.None, null, null);
        await SendAsync(options);
        (server.Received.Single().Tls, server.Received[0].Mechanism).ShouldBe((false, null));
    }

    [Fact]
    public async Task Plain_text_injected_after_STARTTLS_is_ignored()
    {
        var injected = "250-mail.example.com\r\n250 AUTH PLAIN\r\n";
        await using var server = new MailServer { Mechanisms = "SCRAM-SHA-256", Injected = injected };
        await SendAsync(SmtpFixture.OptionsFor(server));
        server.Received.Single().Mechanism.ShouldBe("SCRAM-SHA-256");
    }

    [Fact]
    public async Task A_mail_counts_as_sent_once_the_server_accepts_it_even_if_QUIT_fails()
    {
        await using var server = new MailServer { HangsUpAtQuit = true };
        await SendAsync(SmtpFixture.OptionsFor(server));
        server.Received.Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("refused-", true, "The mail server answered with 550 (RecipientNotAccepted).")]
    [InlineData("spam-", true, "The mail server answered with 554 (MessageNotAccepted).")]
    [InlineData("later-", false, "The mail server answered with 451 (RecipientNotAccepted).")]
    public async Task A_refusal_reports_only_its_status_code(string begin, bool refused, string message)
    {
        var fault = await Should.ThrowAsync<MailException>(() => SendAsync(app.Options, $"{begin}john@example.com"));
        (fault.Refused, fault.Message).ShouldBe((refused, message));
        fault.ToString().ShouldNotContain("canary");
        fault.ToString().ShouldNotContain("john");
    }

    [Fact]
    public async Task A_Punycode_address_is_sent_unchanged()
    {
        await SendAsync(app.Options, "john@xn--bcher-kva.example");
        (await app.ReceivedAsync("john@xn--bcher-kva.example")).Content.ShouldContain("\r\nTo: john@xn--bcher-kva.example\r\n");
    }

    public static TheoryData<string?, string> Servers => new()
    {
        { null, "The connection to the mail server failed (ConnectionRefused)." },
        { "", "The mail server took too long." },
        { "drip", "The mail server took too long." },
        { "220 hello\r\n<EHLO>250 here\r\n", "The mail server does not offer STARTTLS: nothing is sent unencrypted." },
        { "220 hello\r\n<EHLO>250-here\r\n250 STARTTLS\r\n<STARTTLS>220 go\r\n250 no TLS\r\n",
            "The TLS handshake with the mail server failed." },
        { "554 not today\r\n", "The mail server answered with 554 (UnexpectedStatusCode)." },
        { "220 hello\r\n<EHLO>\u0001\u0002\u0003 canary\r\n", "The mail server closed the connection or did not answer in SMTP." },
        { "endless", "The mail server sent too much." },
    };

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_server_that_is_down_hangs_or_breaks_the_protocol_fails_within_one_timeout(string? says, string message)
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

    // Sends each part once it has read a line with the part's prefix, and then goes silent.
    static async Task SayAsync(TcpListener listener, string says)
    {
        using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        try
        {
            var stream = client.GetStream();
            using var lines = new StreamReader(stream);
            while (says is "endless" or "drip")
            {
                await stream.WriteAsync("220-\r\n"u8.ToArray());
                if (says == "drip")
                    await Task.Delay(100);
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
            // The client disconnected.
        }
    }

    static async Task SendAsync(MailOptions options, string recipient = "john@example.com")
    {
        using var message = MailMessage.Make(options.Sender!, recipient, new("Subject", "Line.\r\n", ""), TimeProvider.System.GetUtcNow());
        await new SmtpMailer(Options.Create(options)).SendAsync(recipient, message, TestContext.Current.CancellationToken);
    }

    static async Task<MailException> FailAsync(MailOptions options)
    {
        var fault = await Should.ThrowAsync<MailException>(() => SendAsync(options));
        fault.Refused.ShouldBeFalse();
        fault.ToString().ShouldNotContain("john");
        fault.ToString().ShouldNotContain("canary");
        return fault;
    }

    async Task<string> RegisterAsync(string what)
    {
        var email = $"{what}-{Guid.NewGuid():N}@example.com";
        (await app.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "correct horse battery staple" },
            Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Created);
        return email;
    }

    Task<OutboxEntry[]> EntriesAsync(string email) =>
        app.QueryAsync(db => db.Outbox.AsNoTracking().Where(e => e.Key == email).ToArrayAsync(Cancellation));

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

/// <summary>A service whose mail server accepts connections and never answers.</summary>
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
        a.UseSetting("Mail:Tls", "None");
        // Short enough that a first round with one mail ends before the test's own timeout.
        a.UseSetting("Mail:Timeout", "00:00:15");
    }
}

[Trait("Database", "Sqlite")]
public sealed class HangingMailTests(HangingMailFixture app) : TestBase<HangingMailFixture>
{
    [Fact]
    public async Task A_hanging_mail_server_delays_neither_requests_nor_images_and_loses_no_mail()
    {
        var start = Stopwatch.StartNew();
        var user = await app.CreateUserAsync();
        for (var i = 0; i < 8; i++)
            (await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation))
                .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        // Now all concurrent attempts wait for the server.
        while (await app.QueryAsync(db => db.Outbox.CountAsync(e => e.Attempts == 1, Cancellation)) < 4)
            await Task.Delay(50, Cancellation);
        var entry = new OutboxEntry
        {
            Store = OutboxStore.LocalImages,
            State = OutboxState.Settling,
            UserId = user.Id,
            Key = "none",
            CreatedAt = DateTime.UnixEpoch,
            DueAt = DateTime.UnixEpoch
        };
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
