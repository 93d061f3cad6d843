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
        var (email, mail) = await RegisterAsync();
        mail.Message.TextBody!.ShouldContain("The short one is valid for 10 minutes, the long one for 3 days.");
        await (await PostAsync($" {email.ToUpperInvariant()} ", mail.Digits)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.Client.PostAsJsonAsync("/login", new { email, password = Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        await RefuseAsync(email, mail.Digits);
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token = mail.Token }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
    }

    [Fact]
    public async Task The_digits_of_a_new_address_put_it_in_force()
    {
        var (user, email) = (await app.CreateVerifiedAsync(), LoginCodes.Fresh());
        await (await app.ClientFor(user).PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var mail = await app.MailAsync(email, VerifyEmailTests.Subject);
        await RefuseAsync(user.Email, mail.Digits);
        await (await PostAsync(email, mail.Digits)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.Email).SingleAsync())).ShouldBe(email);
    }

    [Fact]
    public async Task Five_tries_an_expired_time_a_later_mail_another_purpose_and_another_address_end_it()
    {
        var (tried, expired) = (await RegisterAsync(), await RegisterAsync());
        var (replaced, other) = (await RegisterAsync(), await RegisterAsync());
        for (var i = 0; i < MailCode.MostTries; i++)
            await RefuseAsync(tried.Email, new LoginCode("", "", tried.Mail.Digits).Wrong);
        await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == expired.Email).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime.AddSeconds(-1))));
        var again = await RegisterAsync(replaced.Email, count: 2);
        foreach (var (email, digits) in new[]
        {
            (tried.Email, tried.Mail.Digits), (expired.Email, expired.Mail.Digits), (replaced.Email, replaced.Mail.Digits),
            (LoginCodes.Fresh(), again.Mail.Digits), (other.Email, again.Mail.Digits),
        })
            await RefuseAsync(email, digits);
        // Neither do the digits log in or set a password, nor those of a login confirm.
        var login = await app.CodeAsync(again.Email);
        await RefuseAsync(again.Email, login.Digits);
        await (await app.UseAsync(login.With(again.Mail.Digits))).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync(
            "/password/reset", new { email = again.Email, code = again.Mail.Digits, new_password = "another horse battery" }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        // The tokens of the mails are still good.
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token = tried.Mail.Token }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(again.Email, again.Mail.Digits)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_digits_are_valid_once_even_when_many_try_at_the_same_time()
    {
        var (email, mail) = await RegisterAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PostAsync(email, mail.Digits)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.BadRequest).ShouldBe(9);
    }

    [Fact]
    public async Task Without_the_setting_a_mail_has_no_digits()
    {
        var user = await without.CreateUserAsync();
        (await without.MailAsync(user.Email, VerifyEmailTests.Subject)).Digits.ShouldBeEmpty();
        (await without.QueryAsync(db => db.MailCodes.CountAsync(c => c.NormalizedEmail == user.Email))).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"token":"x","email":"a@example.com","code":"123456"}""", "token", "token_or_code")]
    [InlineData("""{"token":"x","code":"123456"}""", "token", "token_or_code")]
    [InlineData("""{"email":"a@example.com"}""", "code", "code_required")]
    [InlineData("""{"code":"123456"}""", "email", "email_required")]
    [InlineData("""{"email":"a@example.com","code":"12345"}""", "code", "code_malformed")]
    [InlineData("{}", "token", "token_required")]
    public async Task Either_the_token_or_the_address_and_the_code_are_needed(string body, string field, string code)
    {
        var problem = await (await app.Client.PostAsync(
            "/email/verify", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").Names().ShouldBe([field]);
        problem.GetProperty("code").GetString().ShouldBe(code);
    }

    async Task<(string Email, TestMail Mail)> RegisterAsync(string? email = null, int count = 1)
    {
        email ??= LoginCodes.Fresh();
        (await app.Client.PostAsJsonAsync("/register", new { name = "John Doe", email, password = Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return (email, await app.MailAsync(email, VerifyEmailTests.Subject, count));
    }

    async Task RefuseAsync(string email, string code) =>
        await (await PostAsync(email, code)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);

    Task<HttpResponseMessage> PostAsync(string email, string code) =>
        app.Client.PostAsJsonAsync("/email/verify", new { email, code }, Cancellation);
}
