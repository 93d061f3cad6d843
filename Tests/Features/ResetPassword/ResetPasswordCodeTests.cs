using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Features.ResetPassword;

/// <summary>Six digits set a new password as the token of the same mail does.</summary>
public sealed class ResetPasswordCodeTests(MailCodesFixture app, ProfilesFixture without)
    : TestBase<MailCodesFixture>, IClassFixture<ProfilesFixture>
{
    const string New = "another horse battery staple", Subject = "Set a new password";

    [Fact]
    public async Task The_digits_set_a_new_password_once_and_a_refused_password_does_not_spend_them()
    {
        var user = await app.CreateVerifiedAsync();
        await app.AddWaysInAsync(user);
        var code = await AskAsync(user.Email);
        await (await app.ResetAsync(code, "iloveyou1")).ShouldRefuseFieldsAsync("new_password");
        await (await app.ResetAsync(code, New)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.ResetAsync(code, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        // The ways in of a verified account stay, and the second factor is still asked for.
        (await app.CountWaysInAsync(user)).ShouldBeGreaterThanOrEqualTo(4);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = New }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task The_right_digits_after_five_wrong_ones_are_refused()
    {
        var user = await app.CreateVerifiedAsync();
        var code = await AskAsync(user.Email);
        foreach (var tried in Enumerable.Repeat(code.With(code.Wrong), MailCode.MostTries).Append(code))
            await (await app.ResetAsync(tried, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Whoever_registered_an_address_that_is_not_theirs_is_out_once_its_owner_sets_a_password()
    {
        var thief = await without.CreateUserAsync("Thief");
        await without.AddWaysInAsync(thief);
        await without.Client.PostAsJsonAsync("/password/forgot", new { email = thief.Email }, Cancellation);
        var mail = await without.MailAsync(thief.Email, Subject);
        await (await without.Client.PostAsJsonAsync("/password/reset", new { token = mail.Token, new_password = New }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await without.CountWaysInAsync(thief)).ShouldBe(0);
        (await without.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == thief.Id))).ShouldBe(0);
        // The second factor of the thief does not stop the owner.
        await (await without.Client.PostAsJsonAsync("/login", new { email = thief.Email, password = New }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await without.EventsAsync(thief.Id)).ShouldContain(SecurityEventKind.WaysInRemoved);
    }

    [Fact]
    public async Task Tries_need_the_token_of_the_request_so_that_nobody_else_uses_up_the_owner_s()
    {
        var (user, stranger) = (await app.CreateVerifiedAsync(), await app.CreateVerifiedAsync());
        var (code, theirs) = (await AskAsync(user.Email), await AskAsync(stranger.Email));
        foreach (var token in Enumerable.Repeat("no token of anybody", MailCode.MostTries)
            .Concat(Enumerable.Repeat(theirs.RequestToken, MailCode.MostTries)))
        {
            await (await app.ResetAsync(code.With(code.Wrong) with { RequestToken = token }, New))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        }
        await (await app.ResetAsync(code with { RequestToken = theirs.RequestToken }, New))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == user.Email && c.Purpose == MailCodePurpose.ResetPassword)
            .Select(c => c.Tries).SingleAsync())).ShouldBe(0);
        await (await app.ResetAsync(code, New)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.ResetAsync(theirs, New)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_address_without_an_account_gets_the_same_answers_for_the_same_work()
    {
        var commands = app.Services.GetRequiredService<CommandLog>();
        var told = new List<(string Shown, string Work)>();
        // The first request reserves a share of the rate limit for the following ones.
        await AskAsync((await app.CreateVerifiedAsync()).Email);
        foreach (var email in new[] { (await app.CreateVerifiedAsync()).Email, LoginCodes.Fresh() })
        {
            var asking = new HttpRequestMessage(HttpMethod.Post, "/password/forgot") { Content = JsonContent.Create(new { email }) };
            asking.Headers.Add("X-Test-Trace", $"ask {email}");
            var asked = await (await app.Client.SendAsync(asking, Cancellation)).ShouldBeAsync(HttpStatusCode.Accepted);
            var token = asked.GetProperty("request_token").GetString()!;
            token.Length.ShouldBe(43);
            await app.SentAsync(email);
            // Wrong whatever the digits are, but for one time in a million.
            var refused = await (await app.ResetAsync(new(email, token, "000000"), New, $"reset {email}"))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
            told.Add((
                string.Join(' ', [.. asked.Names(), asked.GetProperty("message").GetString(), .. refused.Names()]),
                string.Join('\n', commands.OwnOf($"ask {email}").Concat(commands.OwnOf($"reset {email}")).Select(c => c.Text))));
            (await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == email && c.Purpose == MailCodePurpose.ResetPassword)
                .Select(c => c.Tries).SingleAsync())).ShouldBe(1);
        }
        told[0].Work.ShouldContain("mail_codes");
        told.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_mail_that_is_sent_again_has_the_same_digits_and_the_same_token_and_the_database_has_neither()
    {
        var user = await app.CreateVerifiedAsync();
        var code = await AskAsync(user.Email);
        var first = await app.MailAsync(user.Email, Subject);
        await app.SentAsync(user.Email);
        // As a service leaves it that dies before it knows whether the mail server has taken the mail.
        await app.QueryAsync(db =>
        {
            db.Outbox.Add(new()
            {
                Store = OutboxStore.Mail,
                State = OutboxState.Settling,
                Mail = MailKind.ResetPassword,
                UserId = 0,
                Key = user.Email,
                Payload = $"en   {Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(code.RequestToken)))}",
                CreatedAt = app.Clock.GetUtcNow().UtcDateTime,
                DueAt = app.Clock.GetUtcNow().UtcDateTime,
                Attempts = 1,
            });
            return db.SaveChangesAsync(Cancellation);
        });
        var second = await app.MailAsync(user.Email, Subject, count: 2);
        (second.Digits, second.Token).ShouldBe((first.Digits, first.Token));
        first.Token.Length.ShouldBe(43);
        var own = app.Services.GetRequiredService<CommandLog>().Of(trace: null)
            .SkipWhile(c => !c.Parameters.Any(p => Equals(p.Value, user.Email))).ToArray();
        own.Length.ShouldBeGreaterThan(3);
        foreach (var secret in new[] { first.Digits, first.Token, code.RequestToken })
            own.SelectMany(c => c.Parameters).Select(p => p.Value is byte[] bytes ? Encoding.Latin1.GetString(bytes) : $"{p.Value}")
                .ShouldAllBe(v => !v.Contains(secret));
        await (await app.ResetAsync(code, New)).ShouldBeAsync(HttpStatusCode.OK);
    }

    Task<LoginCode> AskAsync(string email) => app.AskAsync("/password/forgot", email, Subject);
}
