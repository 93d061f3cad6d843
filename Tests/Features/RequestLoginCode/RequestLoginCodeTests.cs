using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Tests.Features.LoginWithCode;

namespace Profiles.Tests.Features.RequestLoginCode;

public sealed class RequestLoginCodeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task A_mail_with_six_digits_goes_to_the_address()
    {
        var (email, now) = (LoginCodes.Fresh(), app.Clock.GetUtcNow().UtcDateTime);
        var body = await (await PostAsync($" {email.ToUpperInvariant()} ")).ShouldBeAsync(HttpStatusCode.Accepted);
        body.Names().ShouldBe(["request_token", "expires_in", "message"]);
        body.GetProperty("expires_in").GetInt32().ShouldBe(600);
        var mail = await app.MailAsync(email, LoginCodes.Subject);
        mail.Digits.ShouldMatch("^[0-9]{6}$");
        mail.Message.TextBody!.ShouldContain("It is valid for 10 minutes.");
        mail.Message.HtmlBody!.ShouldContain(mail.Digits);
        var stored = await app.QueryAsync(db => db.MailCodes.AsNoTracking().SingleAsync(c => c.NormalizedEmail == email));
        stored.RequestHash.ShouldBe(SHA256.HashData(Encoding.ASCII.GetBytes(body.GetProperty("request_token").GetString()!)));
        (stored.Purpose, stored.Tries).ShouldBe((MailCodePurpose.Login, 0));
        stored.ExpiresAt.ShouldBe(now.AddMinutes(10), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Neither_the_digits_nor_the_token_are_ever_in_the_database()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        var commands = app.Services.GetRequiredService<CommandLog>().Of(trace: null);
        var own = commands.SkipWhile(c => !c.Parameters.Any(p => Equals(p.Value, code.Email))).ToArray();
        own.Length.ShouldBeGreaterThan(3);
        foreach (var secret in new[] { code.Digits, code.RequestToken })
        {
            own.ShouldAllBe(c => !c.Text.Contains(secret));
            own.SelectMany(c => c.Parameters).Select(p => Shown(p.Value)).ShouldAllBe(v => !v.Contains(secret));
        }

        static string Shown(object? value) => value is byte[] bytes ? Encoding.Latin1.GetString(bytes) : $"{value}";
    }

    [Fact]
    public async Task Every_address_gets_the_same_answer_for_the_same_work()
    {
        var (verified, unverified, disabled) = (await app.CreateUserAsync(), await app.CreateUserAsync(), await app.CreateUserAsync());
        await app.VerifyAsync(verified);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == disabled.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, DateTime.UnixEpoch)));
        // The first request reserves a share of the rate limit for the following ones.
        await PostAsync(LoginCodes.Fresh());
        var commands = app.Services.GetRequiredService<CommandLog>();
        var told = new List<(string Shown, string Work)>();
        foreach (var email in new[] { LoginCodes.Fresh(), verified.Email, unverified.Email, disabled.Email })
        {
            var answer = await PostAsync(email, $"code of {email}");
            var body = await answer.ShouldBeAsync(HttpStatusCode.Accepted);
            body.GetProperty("request_token").GetString()!.Length.ShouldBe(43);
            var shown = body.EnumerateObject().Select(m => m.Name == "request_token" ? m.Name : $"{m}")
                .Concat(answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key != "Date")
                    .Select(h => $"{h.Key}: {h.Value.First()}"));
            told.Add((string.Join('\n', shown), string.Join('\n', commands.OwnOf($"code of {email}").Select(c => c.Text))));
        }
        told[0].Work.ShouldNotBeEmpty();
        told.Distinct().ShouldHaveSingleItem();
        // The mails tell the owner no more than the app will.
        foreach (var email in new[] { verified.Email, unverified.Email, disabled.Email })
            (await app.MailAsync(email, LoginCodes.Subject)).Digits.ShouldNotBeEmpty();
    }

    // A stored answer would have the token in plain text, and a key that two apps share would give it to the other.
    [Fact]
    public async Task No_answer_is_kept_for_a_repeated_request()
    {
        var (email, key) = (LoginCodes.Fresh(), $"\"{Guid.NewGuid():N}\"");
        var tokens = new List<string?>();
        for (var i = 0; i < 2; i++)
        {
            var answer = await PostAsync(email, key: key);
            answer.Headers.Contains("Idempotency-Replayed").ShouldBeFalse();
            tokens.Add((await answer.ShouldBeAsync(HttpStatusCode.Accepted)).GetProperty("request_token").GetString());
        }
        tokens.Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public async Task A_mail_that_is_sent_again_has_the_same_digits()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        await app.SentAsync(code.Email);
        // As a service leaves it that dies before it knows whether the mail server has taken the mail.
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new()
            {
                Store = OutboxStore.Mail,
                State = OutboxState.Settling,
                Mail = MailKind.LoginCode,
                UserId = 0,
                Key = code.Email,
                Payload = $"en   {Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(code.RequestToken)))}",
                CreatedAt = app.Clock.GetUtcNow().UtcDateTime,
                DueAt = app.Clock.GetUtcNow().UtcDateTime,
                Attempts = 1,
            });
            return db.SaveChangesAsync(Cancellation);
        });
        (await app.MailAsync(code.Email, LoginCodes.Subject, count: 2)).Digits.ShouldBe(code.Digits);
        (await app.UseAsync(code)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_address_has_few_codes_and_those_that_were_mailed_outlive_the_others()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        await app.SentAsync(code.Email);
        await app.QueryAsync(db =>
        {
            // As requests leave them whose mails are beyond the limit.
            db.MailCodes.AddRange(Enumerable.Range(0, 20).Select(i => new MailCode
            {
                Purpose = MailCodePurpose.Login,
                RequestHash = RandomNumberGenerator.GetBytes(Session.HashLength),
                NormalizedEmail = code.Email,
                ExpiresAt = app.Clock.GetUtcNow().UtcDateTime + MailCode.Lifetime,
            }));
            return db.SaveChangesAsync(Cancellation);
        });
        await app.CodeAsync(code.Email, count: 2);
        (await app.QueryAsync(db => db.MailCodes.CountAsync(c => c.NormalizedEmail == code.Email))).ShouldBe(6);
        (await app.UseAsync(code)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(595, 10.0)]
    [InlineData(110, 2.0)]
    [InlineData(55, null)]
    public async Task A_mail_that_is_late_says_what_is_left_and_is_not_written_in_the_last_minute(int seconds, double? minutes)
    {
        var request = RandomNumberGenerator.GetBytes(Session.HashLength);
        await app.QueryAsync(db =>
        {
            db.MailCodes.Add(new()
            {
                Purpose = MailCodePurpose.Login,
                RequestHash = request,
                NormalizedEmail = LoginCodes.Fresh(),
                ExpiresAt = app.Clock.GetUtcNow().UtcDateTime.AddSeconds(seconds),
            });
            return db.SaveChangesAsync(Cancellation);
        });
        using var scope = app.Services.CreateScope();
        var written = await scope.ServiceProvider.GetRequiredService<MailCodes>().WriteAsync(request);
        written?.Lifetime.TotalMinutes.ShouldBe(minutes!.Value);
        (written is null).ShouldBe(minutes is null);
    }

    [Theory]
    [InlineData("""{"email":"plain"}""")]
    [InlineData("""{"email":"a@example.com\r\nBcc: b@example.com"}""")]
    [InlineData("{}")]
    public async Task An_invalid_address_is_refused(string body) => await (await app.Client.PostAsync(
        "/login/code", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation)).ShouldRefuseFieldsAsync("email");

    Task<HttpResponseMessage> PostAsync(string email, string? trace = null, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/login/code") { Content = JsonContent.Create(new { email }) };
        if (trace is not null)
            request.Headers.Add("X-Test-Trace", trace);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return app.Client.SendAsync(request, Cancellation);
    }
}
