using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ConfirmTotp;

public sealed class ConfirmTotpTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task A_first_code_answers_ten_recovery_codes_and_tells_the_owner()
    {
        var enrolled = await app.CreateEnrolledAsync();
        enrolled.RecoveryCodes.Length.ShouldBe(10);
        enrolled.RecoveryCodes.Distinct().Count().ShouldBe(10);
        enrolled.RecoveryCodes.ShouldAllBe(c => Regex.IsMatch(c, "^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$"));
        (await app.EventsAsync(enrolled.User)).ShouldContain(SecurityEventKind.SecondFactorEnabled);
        var mail = await app.MailAsync(enrolled.User.Email, "A second factor was added");
        mail.Raw.ShouldNotContain(enrolled.Secret);
        // The codes are in the database as hashes only.
        var hashes = await app.QueryAsync(
            db => db.RecoveryCodes.Where(c => c.UserId == enrolled.User.Id).Select(c => c.CodeHash).ToListAsync());
        hashes.ShouldAllBe(h => h.Length == 32);
    }

    [Fact]
    public async Task The_session_that_confirms_counts_as_logged_in_with_both_factors()
    {
        var enrolled = await app.CreateEnrolledAsync();
        using var client = app.ClientFor(enrolled.User);
        (await client.GetAsync("/me/export", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var refreshed = await (await app.Client.PostAsJsonAsync(
            "/token/refresh", new { refresh_token = enrolled.User.RefreshToken }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        Authenticator.MethodsOf(refreshed).ShouldBe(["pwd", "otp", "mfa"]);
    }

    [Fact]
    public async Task The_code_that_confirmed_does_not_log_in()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var added = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var code = Authenticator.Code(added.GetProperty("secret").GetString()!, app.Clock.GetUtcNow());
        await (await client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.SendCodeAsync(await app.MfaTokenAsync(user), code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_wrong_code_is_403_and_a_code_without_a_secret_409()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        (await (await ConfirmAsync(client, "123456")).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString()
            .ShouldBe("mfa_not_enabled");
        var added = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var wrong = app.WrongCode(new(user, added.GetProperty("secret").GetString()!, []));
        (await (await ConfirmAsync(client, wrong)).ShouldBeProblemAsync(HttpStatusCode.Forbidden)).GetProperty("code").GetString()
            .ShouldBe("wrong_code");
        await app.LogInAsync(user);
        var enrolled = await app.EnrolAsync(user);
        (await (await ConfirmAsync(client, await app.CodeAsync(enrolled))).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("mfa_enabled");
    }

    [Fact]
    public async Task Of_several_at_once_one_gets_recovery_codes()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var added = await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var code = Authenticator.Code(added.GetProperty("secret").GetString()!, app.Clock.GetUtcNow());
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ConfirmAsync(client, code)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBe(19);
        (await app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == user.Id))).ShouldBe(10);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"code":""}""")]
    [InlineData("""{"code":"12345"}""")]
    [InlineData("""{"code":"1234567"}""")]
    [InlineData("""{"code":"12345a"}""")]
    [InlineData("""{"code":"١٢٣٤٥٦"}""")]
    [InlineData("""{"code":123456}""")]
    public async Task A_refused_code_is_named(string json)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        await (await client.PostAsync("/me/mfa/totp/confirm", new StringContent(json, System.Text.Encoding.UTF8, "application/json"),
            Cancellation)).ShouldRefuseFieldsAsync("code");
    }

    Task<HttpResponseMessage> ConfirmAsync(HttpClient client, string code) =>
        client.PostAsJsonAsync("/me/mfa/totp/confirm", new { code }, Cancellation);
}
