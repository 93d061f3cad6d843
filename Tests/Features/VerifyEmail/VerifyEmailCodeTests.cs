using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Tests.Features.LoginWithCode;

namespace Profiles.Tests.Features.VerifyEmail;

/// <summary>A service whose mails have six digits beside the token, and which requires verified addresses.</summary>
public sealed class MailCodesFixture : VerifiedFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Mail:Codes", "true");
    }
}

/// <summary>Six digits confirm an address as the token of the same mail does.</summary>
public sealed class VerifyEmailCodeTests(MailCodesFixture app, ProfilesFixture without)
    : TestBase<MailCodesFixture>, IClassFixture<ProfilesFixture>
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task The_digits_confirm_a_registration_once_and_then_the_token_does_not()
    {
        var (code, mail) = await RegisterAsync();
        code.RequestToken.Length.ShouldBe(43);
        mail.Message.TextBody!.ShouldContain("The short one is valid for 10 minutes, the long one for 3 days.");
        await (await PostAsync(code with { Email = $" {code.Email.ToUpperInvariant()} " })).ShouldBeAsync(HttpStatusCode.OK);
        (await app.Client.PostAsJsonAsync("/login", new { email = code.Email, password = Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        await RefuseAsync(code);
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token = mail.Token }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
    }

    [Fact]
    public async Task The_digits_of_a_new_address_put_it_in_force()
    {
        var (user, email) = (await app.CreateVerifiedAsync(), LoginCodes.Fresh());
        await (await app.ClientFor(user).PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        // Nobody has a token for digits of that mail.
        (await app.MailAsync(email, VerifyEmailTests.Subject)).Digits.ShouldBeEmpty();
        var code = await app.AskAsync("/email/verify/resend", email, VerifyEmailTests.Subject, count: 2, app.ClientFor(user));
        await RefuseAsync(code with { Email = user.Email });
        await (await PostAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.Email).SingleAsync())).ShouldBe(email);
    }

    [Fact]
    public async Task Five_tries_an_expired_time_a_later_mail_another_purpose_and_another_address_end_it()
    {
        var (tried, expired) = (await RegisterAsync(), await RegisterAsync());
        var (replaced, other) = (await RegisterAsync(), await RegisterAsync());
        for (var i = 0; i < MailCode.MostTries; i++)
            await RefuseAsync(tried.Code.With(tried.Code.Wrong));
        await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == expired.Code.Email).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime.AddSeconds(-1))));
        var (again, _) = await RegisterAsync(replaced.Code.Email, count: 2);
        foreach (var code in new[]
        {
            tried.Code, expired.Code, replaced.Code, replaced.Code.With(again.Digits), again with { Email = LoginCodes.Fresh() },
            again with { Email = other.Code.Email }, again with { RequestToken = other.Code.RequestToken },
        })
            await RefuseAsync(code);
        // Neither do the digits log in or set a password, nor those of a login confirm.
        var login = await app.CodeAsync(again.Email);
        await RefuseAsync(login);
        await (await app.UseAsync(again)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.ResetAsync(again, "another horse battery"))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        // The tokens of the mails are still good.
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token = tried.Mail.Token }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(again)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_digits_are_valid_once_even_when_many_try_at_the_same_time()
    {
        var (code, _) = await RegisterAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostAsync(code)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.BadRequest).ShouldBe(9);
    }

    [Fact]
    public async Task Without_the_setting_a_mail_has_no_digits_and_an_answer_no_token_for_them()
    {
        var user = await without.CreateUserAsync();
        (await without.MailAsync(user.Email, VerifyEmailTests.Subject)).Digits.ShouldBeEmpty();
        foreach (var path in new[] { "/email/verify/resend", "/password/forgot" })
            (await (await without.ClientFor(user).PostAsJsonAsync(path, new { email = user.Email }, Cancellation))
                .ShouldBeAsync(HttpStatusCode.Accepted)).Names().ShouldBe(["message"]);
        (await without.QueryAsync(db => db.MailCodes.CountAsync(c => c.NormalizedEmail == user.Email))).ShouldBe(0);
        await (await without.ConfirmAsync(new(user.Email, "no token of anybody", "123456")))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
    }

    [Theory]
    [InlineData("""{"token":"x","request_token":"x","email":"a@example.com","code":"123456"}""", "token", "token_or_code")]
    [InlineData("""{"token":"x","request_token":"x"}""", "token", "token_or_code")]
    [InlineData("""{"token":"x","code":"123456"}""", "token", "token_or_code")]
    [InlineData("""{"request_token":"x","email":"a@example.com"}""", "code", "code_required")]
    [InlineData("""{"request_token":"x","code":"123456"}""", "email", "email_required")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"12345"}""", "code", "code_malformed")]
    [InlineData("""{"email":"a@example.com","code":"123456"}""", "request_token", "request_token_required")]
    [InlineData("""{"request_token":"","email":"a@example.com","code":"123456"}""", "request_token", "request_token_required")]
    [InlineData("{}", "token", "token_required")]
    public async Task Either_the_token_or_that_of_the_request_the_address_and_the_code_are_needed(string body, string field, string code)
    {
        var problem = await (await app.Client.PostAsync(
            "/email/verify", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").Names().ShouldBe([field]);
        problem.GetProperty("code").GetString().ShouldBe(code);
    }

    async Task<(LoginCode Code, TestMail Mail)> RegisterAsync(string? email = null, int count = 1)
    {
        var code = await app.AskAsync("/register", email ?? LoginCodes.Fresh(), VerifyEmailTests.Subject, count);
        return (code, await app.MailAsync(code.Email, VerifyEmailTests.Subject, count));
    }

    async Task RefuseAsync(LoginCode code) =>
        await (await PostAsync(code)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);

    Task<HttpResponseMessage> PostAsync(LoginCode code) => app.ConfirmAsync(code);
}

/// <summary>Asks for digits that confirm an address or set a password, and uses them.</summary>
static class MailedCodes
{
    const string Password = "correct horse battery staple";

    /// <summary>Sends a request that mails digits and waits for its mail, the given one of this subject.</summary>
    public static async Task<LoginCode> AskAsync(
        this ProfilesFixture app, string path, string email, string subject, int count = 1, HttpClient? client = null,
        string password = Password, bool? fromGuest = null)
    {
        // Mails that are due at random times have no order.
        if (count > 1)
            await app.MailAsync(email, subject, count - 1);
        var answer = await (client ?? app.Client).PostAsJsonAsync(path, new { name = "John Doe", email, password, from_guest = fromGuest });
        answer.EnsureSuccessStatusCode();
        var token = (await answer.ShouldBeAsync(answer.StatusCode)).GetProperty("request_token").GetString()!;
        return new(email, token, (await app.MailAsync(email, subject, count)).Digits);
    }

    public static Task<HttpResponseMessage> ConfirmAsync(this ProfilesFixture app, LoginCode code) => app.Client.PostAsJsonAsync(
        "/email/verify", new { request_token = code.RequestToken, email = code.Email, code = code.Digits },
        TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> ResetAsync(this ProfilesFixture app, LoginCode code, string password, string? trace = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/password/reset")
        {
            Content = JsonContent.Create(
                new { request_token = code.RequestToken, email = code.Email, code = code.Digits, new_password = password }),
        };
        if (trace is not null)
            request.Headers.Add("X-Test-Trace", trace);
        return app.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
