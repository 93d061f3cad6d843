using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using MimeKit;
using Profiles.Data;
using Profiles.Infrastructure.Mail;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>A service whose log can be read, to its last detail.</summary>
public sealed class LoggedFixture : ProfilesFixture, ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Lined(Lines);

    public void Dispose()
    {
        // Nothing is held.
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.ConfigureLogging(l => l.AddProvider(this).SetMinimumLevel(LogLevel.Debug));
    }

    sealed class Lined(ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}

/// <summary>What mails say, where they are kept, and where nothing of them is.</summary>
[Trait("Database", "Sqlite")]
public sealed class MailTests(LoggedFixture app) : TestBase<LoggedFixture>
{
    [Fact]
    public async Task Without_a_mail_server_they_are_whole_files_that_only_the_service_can_read()
    {
        var user = await app.CreateUserAsync();
        var mail = await app.MailAsync(user.Email, "Confirm your e-mail address");
        File.GetUnixFileMode(mail.Path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(Path.GetDirectoryName(mail.Path)!).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.GetFiles(Path.GetDirectoryName(mail.Path)!, "*.tmp", new EnumerationOptions { AttributesToSkip = FileAttributes.None }).ShouldBeEmpty();
        mail.Header("From").ShouldBe("Profiles <profiles@localhost>");
        mail.Header("Date").ShouldEndWith(" +0000");
        mail.Header("Message-Id").ShouldMatch("^<[0-9A-Z.]{20,}@localhost>$");
        mail.Header("Auto-Submitted").ShouldBe("auto-generated");
        var boundary = mail.Header("Content-Type").Split('"')[1];
        var parts = mail.Raw.Split($"--{boundary}");
        parts.Length.ShouldBe(4);
        parts[1].ShouldStartWith("\r\nContent-Type: text/plain; charset=us-ascii\r\n");
        parts[2].ShouldStartWith("\r\nContent-Type: text/html; charset=us-ascii\r\n");
        parts[3].ShouldBe("--\r\n");
        parts[1].ShouldContain(mail.Token);
        parts[2].ShouldContain($"<code>{mail.Token}</code>");
        mail.Raw.Replace("\r\n", "").ShouldNotContain("\n");
    }

    [Theory]
    [InlineData("a@example.com\r\nBcc: b@example.com")]
    [InlineData("a@example.com> <b@example.com")]
    [InlineData("a@ex\u00E4mple.com")]
    [InlineData("")]
    public void Nothing_that_could_begin_a_header_or_another_address_is_written(string address) =>
        Should.Throw<InvalidOperationException>(() => MailMessage.Make(new MailboxAddress("", "no-reply@example.com"), address, new("Subject", ["Line."]), app.Clock.GetUtcNow()));

    [Fact]
    public void A_subject_or_a_line_that_breaks_out_is_not_written()
    {
        Should.Throw<InvalidOperationException>(() => MailMessage.Make(new MailboxAddress("", "no-reply@example.com"), "a@example.com", new("x\nBcc: b@example.com", ["Line."]), app.Clock.GetUtcNow()));
        new MailText("<b>", ["<script>alert('x')</script> & more"], Link: "https://app.example.com/?a=1&b=\"").Html.ShouldNotContain("<script");
    }

    [Fact]
    public async Task No_token_no_password_and_no_address_is_in_the_log_and_no_token_and_no_password_in_the_database()
    {
        string[] passwords = ["canary first 5d2e", "canary second 91cc", "canary third 77ab"];
        var email = $"canary-{Guid.NewGuid():N}@example.com";
        (await app.Client.PostAsJsonAsync("/register", new { name = "John", email, password = passwords[0] }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Created);
        var verify = (await app.MailAsync(email, "Confirm your e-mail address")).Token;
        // What is confirmed voids every link before it.
        (await app.Client.PostAsJsonAsync("/email/verify", new { token = verify }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.Client.PostAsJsonAsync("/password/forgot", new { email }, Cancellation);
        var reset = (await app.MailAsync(email, "Set a new password")).Token;
        await LookAsync();
        (await app.Client.PostAsJsonAsync("/password/reset", new { token = reset, new_password = passwords[1] }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var login = await (await app.Client.PostAsJsonAsync("/login", new { email, password = passwords[1] }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var client = app.ClientFor(new(0, "", email, "", login.GetProperty("access_token").GetString()!));
        (await client.PutAsJsonAsync("/me/password", new { current_password = passwords[1], new_password = passwords[2] }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.MailAsync(email, "Your password was changed", count: 2);

        // A mail that cannot be written down: whatever is said of it, it is not said whose it is.
        var directory = Path.Combine(app.Root, "data", "mail");
        Directory.Move(directory, directory + ".away");
        await File.WriteAllTextAsync(directory, "", Cancellation);
        await app.Client.PostAsJsonAsync("/password/forgot", new { email }, Cancellation);
        while (!app.Lines.Any(l => l.Contains("in Mail failed: ")))
            await Task.Delay(50, Cancellation);
        File.Delete(directory);
        Directory.Move(directory + ".away", directory);
        await LookAsync();

        async Task LookAsync()
        {
            app.Lines.ShouldContain(l => l.Contains("Completed in Mail: VerifyEmail"));
            app.Lines.ShouldContain(l => l.Contains("Security event Registered for user "));
            app.Lines.ShouldNotContain(l => l.Contains("for user -"));
            string[] secrets = [.. passwords, verify, reset];
            foreach (var line in app.Lines)
            {
                foreach (var secret in secrets.Append(email).Append("canary"))
                    line.ShouldNotContain(secret);
            }
            foreach (var file in Directory.GetFiles(Path.Combine(app.Root, "data"), "profiles.db*"))
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                var bytes = new byte[stream.Length];
                await stream.ReadExactlyAsync(bytes, Cancellation);
                foreach (var secret in secrets)
                    Encoding.Latin1.GetString(bytes).ShouldNotContain(secret);
            }
        }
    }

    [Fact]
    public async Task A_mail_about_an_account_that_is_gone_is_dropped()
    {
        var email = $"gone-{Guid.NewGuid():N}@example.com";
        await app.QueryAsync(db =>
        {
            foreach (var mail in Enum.GetValues<MailKind>())
                db.Outbox.Add(new() { Store = OutboxStore.Mail, State = OutboxState.Settling, Mail = mail, UserId = 4_000_000_000, Key = email, CreatedAt = app.Clock.GetUtcNow().UtcDateTime, DueAt = DateTime.UnixEpoch });
            return db.SaveChangesAsync(Cancellation);
        });
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.Key == email, Cancellation)))
            await Task.Delay(50, Cancellation);
        app.MailsTo(email).ShouldBeEmpty();
    }
}
