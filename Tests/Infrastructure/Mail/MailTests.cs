using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MimeKit;
using Profiles.Data;
using Profiles.Infrastructure.Mail;
using Profiles.Tests.Features.LoginWithCode;

namespace Profiles.Tests.Infrastructure.Mail;

/// <summary>A service whose whole log the tests read.</summary>
public sealed class LoggedFixture : ProfilesFixture, ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new LineLogger(Lines);

    public void Dispose()
    {
        // There is nothing to dispose.
    }

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.ConfigureLogging(l => l.AddProvider(this).SetMinimumLevel(LogLevel.Debug));
    }

    sealed class LineLogger(ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) => lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}

/// <summary>The content and the storage of mails, and what must not appear in logs.</summary>
[Trait("Database", "Sqlite")]
public sealed class MailTests(LoggedFixture app) : TestBase<LoggedFixture>
{
    [Fact]
    public async Task Without_a_mail_server_mails_are_complete_files_that_only_the_service_can_read()
    {
        var user = await app.CreateUserAsync();
        var mail = await app.MailAsync(user.Email, "Confirm your e-mail address");
        File.GetUnixFileMode(mail.Path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.GetUnixFileMode(Path.GetDirectoryName(mail.Path)!)
            .ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.GetFiles(Path.GetDirectoryName(mail.Path)!, "*.tmp", new EnumerationOptions { AttributesToSkip = FileAttributes.None })
            .ShouldBeEmpty();
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
    public void An_address_that_could_inject_a_header_or_another_address_is_refused(string address) =>
        Should.Throw<InvalidOperationException>(() =>
            MailMessage.Make(new MailboxAddress("", "no-reply@example.com"), address, new("Subject", "Line.\r\n", ""),
                app.Clock.GetUtcNow()));

    [Theory]
    [InlineData("x\nBcc: b@example.com")]
    [InlineData("x\r\nBcc: b@example.com")]
    [InlineData("x\0")]
    public void A_subject_cannot_inject_a_header(string subject) =>
        Should.Throw<InvalidOperationException>(() =>
            MailMessage.Make(new MailboxAddress("", "no-reply@example.com"), "a@example.com", new(subject, "Line.\r\n", ""),
                app.Clock.GetUtcNow()));

    [Fact]
    public async Task The_owner_is_told_of_a_changed_second_factor_or_way_in()
    {
        var user = await app.CreateUserAsync();
        using (var scope = app.Services.CreateScope())
        {
            var mails = scope.ServiceProvider.GetRequiredService<MailOutbox>();
            mails.Add(MailKind.WayInChanged, user.Email, user.Id, MailChange.IdentityAdded, "apple");
            mails.Add(MailKind.SecondFactorChanged, user.Email, user.Id, MailChange.RecoveryCodeUsed);
            await scope.ServiceProvider.GetRequiredService<ProfilesDbContext>().SaveChangesAsync(Cancellation);
        }
        (await app.MailAsync(user.Email, "Logging in with Apple was added")).Message.TextBody!
            .ShouldStartWith("You can log in to your account with Apple from now on.");
        await app.MailAsync(user.Email, "A recovery code was used");
    }

    [Fact]
    public async Task The_log_has_no_token_password_or_address_and_the_database_no_token_or_password()
    {
        string[] passwords = ["canary first 5d2e", "canary second 91cc", "canary third 77ab"];
        var email = $"canary-{Guid.NewGuid():N}@example.com";
        (await app.Client.PostAsJsonAsync("/register", new { name = "John", email, password = passwords[0] }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Created);
        var verify = (await app.MailAsync(email, "Confirm your e-mail address")).Token;
        // Confirmation voids every earlier link.
        (await app.Client.PostAsJsonAsync("/email/verify", new { token = verify }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.Client.PostAsJsonAsync("/password/forgot", new { email }, Cancellation);
        var reset = (await app.MailAsync(email, "Set a new password")).Token;
        await LookAsync();
        (await app.Client.PostAsJsonAsync("/password/reset", new { token = reset, new_password = passwords[1] }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        var login = await (await app.Client.PostAsJsonAsync("/login", new { email, password = passwords[1] }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var client = app.ClientFor(new(0, "", email, "", login.GetProperty("access_token").GetString()!));
        (await client.PutAsJsonAsync("/me/password", new { current_password = passwords[1], new_password = passwords[2] }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.MailAsync(email, "Your password was changed", count: 2);

        // A mail that cannot be written: the log must not name its recipient.
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
    public async Task The_log_has_neither_a_code_nor_the_token_that_it_goes_with_nor_the_address()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        await (await app.UseAsync(code.With(code.Wrong))).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.UseAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
        while (!app.Lines.Any(l => l.StartsWith("Completed in Mail: LoginCode ")))
            await Task.Delay(20, Cancellation);
        foreach (var secret in new[] { code.Digits, code.RequestToken, code.Email })
            app.Lines.ShouldNotContain(l => Regex.IsMatch(l, $@"(?<![\w.]){Regex.Escape(secret)}(?!\w)"));
    }

    [Fact]
    public async Task A_mail_of_a_deleted_account_is_dropped()
    {
        var email = $"gone-{Guid.NewGuid():N}@example.com";
        await app.QueryAsync(db =>
        {
            foreach (var mail in Enum.GetValues<MailKind>())
                db.Outbox.Add(new()
                {
                    Store = OutboxStore.Mail,
                    State = OutboxState.Settling,
                    Mail = mail,
                    UserId = 4_000_000_000,
                    Key = email,
                    CreatedAt = app.Clock.GetUtcNow().UtcDateTime,
                    DueAt = DateTime.UnixEpoch
                });
            return db.SaveChangesAsync(Cancellation);
        });
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(e => e.Key == email, Cancellation)))
            await Task.Delay(50, Cancellation);
        app.MailsTo(email).ShouldBeEmpty();
        app.Lines.ShouldContain(l => l.StartsWith("Mail PasswordChanged of entry ") && l.Contains(" is not sent: it is void by now."));
    }
}
