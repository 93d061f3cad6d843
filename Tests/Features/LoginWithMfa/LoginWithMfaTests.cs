using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.LoginWithMfa;

public sealed class LoginWithMfaTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_password_and_a_code_start_a_session()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var before = await SessionsAsync(enrolled);
        var token = await app.MfaTokenAsync(enrolled.User, "Second phone");
        (await SessionsAsync(enrolled)).ShouldBe(before);
        var tokens = await (await app.SendCodeAsync(token, await app.CodeAsync(enrolled))).ShouldBeAsync(HttpStatusCode.OK);
        tokens.Names().ShouldBe(["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]);
        Authenticator.MethodsOf(tokens).ShouldBe(["pwd", "otp", "mfa"]);
        var session = await app.QueryAsync(db => db.Sessions.Where(s => s.UserId == enrolled.User.Id).OrderBy(s => s.Id).LastAsync());
        (session.Device, session.Methods).ShouldBe(("Second phone", "pwd otp mfa"));
        // The challenge and the code are used up.
        await ShouldBeRefusedAsync(await app.SendCodeAsync(token, await app.CodeAsync(enrolled)));
    }

    [Fact]
    public async Task A_code_logs_in_once_also_for_another_login()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var (first, second) = (await app.MfaTokenAsync(enrolled.User), await app.MfaTokenAsync(enrolled.User));
        var code = await app.CodeAsync(enrolled);
        await (await app.SendCodeAsync(first, code)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeRefusedAsync(await app.SendCodeAsync(second, code));
        // Nor does an earlier one, which nobody has used.
        await ShouldBeRefusedAsync(await app.SendCodeAsync(
            second, Authenticator.Code(enrolled.Secret, app.Clock.GetUtcNow().AddSeconds(-30))));
        await (await app.SendCodeAsync(second, Authenticator.Code(enrolled.Secret, app.Clock.GetUtcNow().AddSeconds(30))))
            .ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_twenty_requests_with_one_code_at_once_one_logs_in(bool oneLogin)
    {
        var enrolled = await app.CreateEnrolledAsync();
        var before = await SessionsAsync(enrolled);
        var token = await app.MfaTokenAsync(enrolled.User);
        var tokens = new List<string>();
        for (var i = 0; i < 20; i++)
            tokens.Add(oneLogin ? token : await app.MfaTokenAsync(enrolled.User));
        var code = await app.CodeAsync(enrolled);
        var answers = await Task.WhenAll(tokens.Select(t => app.SendCodeAsync(t, code)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        foreach (var answer in answers.Where(a => a.StatusCode != HttpStatusCode.OK))
            await ShouldBeRefusedAsync(answer);
        (await SessionsAsync(enrolled)).ShouldBe(before + 1);
    }

    [Fact]
    public async Task Of_one_login_with_different_codes_at_once_one_session_starts()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var before = await SessionsAsync(enrolled);
        var token = await app.MfaTokenAsync(enrolled.User);
        // Whoever loses keeps the code.
        var answers = await Task.WhenAll(enrolled.RecoveryCodes[..4].Select(c => RecoverAsync(token, c)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        (await SessionsAsync(enrolled)).ShouldBe(before + 1);
        (await app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == enrolled.User.Id))).ShouldBe(9);
    }

    [Fact]
    public async Task After_five_wrong_codes_the_right_one_is_refused_in_the_same_words()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var token = await app.MfaTokenAsync(enrolled.User);
        var told = new List<string>();
        for (var i = 0; i < 5; i++)
            told.Add(await ShouldBeRefusedAsync(await app.SendCodeAsync(token, app.WrongCode(enrolled))));
        told.Add(await ShouldBeRefusedAsync(await app.SendCodeAsync(token, await app.CodeAsync(enrolled))));
        told.Add(await ShouldBeRefusedAsync(await RecoverAsync(token, enrolled.RecoveryCodes[0])));
        told.Add(await ShouldBeRefusedAsync(await app.SendCodeAsync(Base64Url.EncodeToString(new byte[32]), "123456")));
        told.Add(await ShouldBeRefusedAsync(await app.SendCodeAsync("nonsense", "123456")));
        told.Distinct().Count().ShouldBe(1);
        await (await RecoverAsync(await app.MfaTokenAsync(enrolled.User), enrolled.RecoveryCodes[0])).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Twenty_wrong_codes_at_once_are_five_tries()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var token = await app.MfaTokenAsync(enrolled.User);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.SendCodeAsync(token, app.WrongCode(enrolled))));
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Challenges.SingleAsync(c => c.UserId == enrolled.User.Id))).Tries.ShouldBe(5);
        await ShouldBeRefusedAsync(await app.SendCodeAsync(token, await app.CodeAsync(enrolled)));
    }

    [Fact]
    public async Task The_code_and_the_recovery_code_of_another_user_are_refused()
    {
        var (one, other) = (await app.CreateEnrolledAsync(), await app.CreateEnrolledAsync());
        var token = await app.MfaTokenAsync(one.User);
        await ShouldBeRefusedAsync(await app.SendCodeAsync(token, await app.CodeAsync(other)));
        await ShouldBeRefusedAsync(await RecoverAsync(token, other.RecoveryCodes[0]));
        await (await app.SendCodeAsync(token, await app.CodeAsync(one))).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("password")]
    [InlineData("reset")]
    [InlineData("others")]
    [InlineData("operator")]
    [InlineData("disabled")]
    [InlineData("removed")]
    [InlineData("expired")]
    public async Task A_login_that_waits_for_its_code_ends_with_what_it_began_with(string what)
    {
        var enrolled = await app.CreateEnrolledAsync();
        var user = enrolled.User;
        var token = await app.MfaTokenAsync(user);
        using var client = app.ClientFor(user);
        switch (what)
        {
            case "password":
                await (await client.PutAsJsonAsync("/me/password",
                    new { current_password = user.Password, new_password = "another horse battery staple" }, Cancellation))
                    .ShouldBeAsync(HttpStatusCode.OK);
                break;
            case "reset":
                // The first proof of an address would remove the factor of whoever was there before.
                await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
                    .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, DateTime.UnixEpoch)));
                await (await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation))
                    .ShouldBeAsync(HttpStatusCode.Accepted);
                var mail = await app.MailAsync(user.Email, "Set a new password");
                await (await app.Client.PostAsJsonAsync("/password/reset",
                    new { token = mail.Token, new_password = "another horse battery staple" }, Cancellation))
                    .ShouldBeAsync(HttpStatusCode.OK);
                // The mailbox alone does not log in.
                await app.MfaTokenAsync(user with { Password = "another horse battery staple" });
                break;
            case "others":
                await (await client.DeleteAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
                break;
            case "operator":
                (await app.RunAsync("users", "end-sessions", user.Email)).ExitCode.ShouldBe(0);
                break;
            case "disabled":
                (await app.RunAsync("users", "disable", user.Email)).ExitCode.ShouldBe(0);
                break;
            case "removed":
                await (await client.DeleteAsync("/me/mfa/totp", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
                break;
            case "expired":
                await app.QueryAsync(db => db.Challenges.Where(c => c.UserId == user.Id)
                    .ExecuteUpdateAsync(c => c.SetProperty(x => x.ExpiresAt, x => x.ExpiresAt.AddMinutes(-5))));
                break;
        }
        var sessions = await SessionsAsync(enrolled);
        await ShouldBeRefusedAsync(await app.SendCodeAsync(token, await app.CodeAsync(enrolled)));
        (await SessionsAsync(enrolled)).ShouldBe(sessions);
    }

    [Fact]
    public async Task A_recovery_code_logs_in_once_however_it_is_typed_and_the_owner_is_told()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var typed = enrolled.RecoveryCodes[0].Replace("-", " ").ToLowerInvariant().Replace('1', 'l').Replace('0', 'o');
        await (await RecoverAsync(await app.MfaTokenAsync(enrolled.User), typed)).ShouldBeAsync(HttpStatusCode.OK);
        await ShouldBeRefusedAsync(await RecoverAsync(await app.MfaTokenAsync(enrolled.User), enrolled.RecoveryCodes[0]));
        (await app.EventsAsync(enrolled.User)).ShouldContain(SecurityEventKind.RecoveryCodeUsed);
        await app.MailAsync(enrolled.User.Email, "A recovery code was used");
    }

    [Fact]
    public async Task Of_twenty_logins_with_one_recovery_code_at_once_one_succeeds()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var tokens = new List<string>();
        for (var i = 0; i < 20; i++)
            tokens.Add(await app.MfaTokenAsync(enrolled.User));
        var answers = await Task.WhenAll(tokens.Select(t => RecoverAsync(t, enrolled.RecoveryCodes[0])));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        (await app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == enrolled.User.Id))).ShouldBe(9);
    }

    [Fact]
    public async Task A_wrong_code_is_an_event_for_the_owner_who_learns_that_somebody_knows_the_password()
    {
        var enrolled = await app.CreateEnrolledAsync();
        await ShouldBeRefusedAsync(await app.SendCodeAsync(await app.MfaTokenAsync(enrolled.User), app.WrongCode(enrolled)));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!(await app.EventsAsync(enrolled.User)).Contains(SecurityEventKind.SecondFactorFailed))
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
            await Task.Delay(100, Cancellation);
        }
    }

    [Theory]
    [InlineData("""{"code":"123456"}""", "mfa_token")]
    [InlineData("""{"mfa_token":"","code":"123456"}""", "mfa_token")]
    [InlineData("""{"mfa_token":"x"}""", "code")]
    [InlineData("""{"mfa_token":"x","code":"123456","recovery_code":"4T7J-QX2M-9KCD-0VWA"}""", "code")]
    [InlineData("""{"mfa_token":"x","code":"12345"}""", "code")]
    [InlineData("""{"mfa_token":"x","recovery_code":""}""", "recovery_code")]
    [InlineData("""{"mfa_token":"x","recovery_code":"4T7J-QX2M-9KCD-0VWA-4T7J-QX2M-9KCD-0VWA-4T7J"}""", "recovery_code")]
    public async Task A_refused_field_is_named(string json, string field) =>
        await (await app.Client.PostAsync(
            "/login/mfa", new StringContent(json, System.Text.Encoding.UTF8, "application/json"), Cancellation))
            .ShouldRefuseFieldsAsync(field);

    Task<int> SessionsAsync(EnrolledUser enrolled) => app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == enrolled.User.Id));

    Task<HttpResponseMessage> RecoverAsync(string token, string code) =>
        app.Client.PostAsJsonAsync("/login/mfa", new { mfa_token = token, recovery_code = code }, Cancellation);

    // What it says, without the id of the request.
    static async Task<string> ShouldBeRefusedAsync(HttpResponseMessage answer)
    {
        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        problem.GetProperty("code").GetString().ShouldBe("invalid_code");
        return string.Join(';', problem.EnumerateObject().Where(m => m.Name != "trace_id").Select(m => $"{m.Name}={m.Value}"));
    }
}
