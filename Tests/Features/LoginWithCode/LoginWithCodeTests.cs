using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Features.LoginWithCode;

public sealed class LoginWithCodeTests(ProfilesFixture app, VerifiedFixture verifying)
    : TestBase<ProfilesFixture>, IClassFixture<VerifiedFixture>
{
    const string Refusal = "This code is wrong, or not valid any more.";

    [Fact]
    public async Task The_code_starts_a_session_and_the_account_keeps_what_it_has()
    {
        var user = await app.CreateUserAsync();
        await app.VerifyAsync(user);
        var code = await app.CodeAsync(user.Email);
        var body = await (await app.UseAsync(code with { Email = $" {user.Email.ToUpperInvariant()}" }, " Phone ", "Somebody else"))
            .ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]);
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(Token(body).Split('.')[1]));
        claims.RootElement.GetProperty("amr").EnumerateArray().Select(m => m.GetString()).ShouldBe(["otp"]);
        claims.RootElement.GetProperty("user_id").GetInt64().ShouldBe(user.Id);
        var session = await app.QueryAsync(db => db.Sessions.AsNoTracking().Where(s => s.UserId == user.Id).OrderBy(s => s.Id).LastAsync());
        (session.Device, session.Methods).ShouldBe(("Phone", "otp"));
        // The earlier session and the password are still good.
        var me = await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("name").GetString().ShouldBe(user.Name);
        await app.LogInAsync(user);
        (await app.EventsAsync(user.Id)).ShouldBe(
            [SecurityEventKind.Registered, SecurityEventKind.LoggedIn, SecurityEventKind.LoggedIn, SecurityEventKind.LoggedIn]);
    }

    [Theory]
    [InlineData("  Jane Doe ", "Jane Doe")]
    [InlineData(null, "")]
    public async Task An_address_without_an_account_gets_one_that_is_verified_and_has_no_password(string? name, string stored)
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        var body = await (await app.UseAsync(code, name: name)).ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(new(0, "", code.Email, "", Token(body)));
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("name").GetString(), me.GetProperty("email").GetString(), me.GetProperty("email_verified").GetBoolean())
            .ShouldBe((stored, code.Email, true));
        var id = me.GetProperty("id").GetInt64();
        (await app.QueryAsync(db => db.Users.Where(u => u.Id == id).Select(u => u.PasswordHash).SingleAsync())).ShouldBe("");
        (await app.EventsAsync(id))
            .ShouldBe([SecurityEventKind.Registered, SecurityEventKind.EmailVerified, SecurityEventKind.LoggedIn]);
        await (await app.Client.PostAsJsonAsync("/login", new { email = code.Email, password = " " }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        // The next code finds the account.
        await (await app.UseAsync(await app.CodeAsync(code.Email, count: 2))).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == code.Email))).ShouldBe(1);
    }

    [Fact]
    public async Task A_registration_that_waits_for_the_address_goes_because_a_stranger_may_have_written_it()
    {
        var email = LoginCodes.Fresh();
        const string password = "password of the stranger";
        (await verifying.Client.PostAsJsonAsync("/register", new { name = "Stranger", email, password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var waiting = await verifying.MailAsync(email, VerifyEmailTests.Subject);
        var body = await (await verifying.UseAsync(await verifying.CodeAsync(email), name: "Owner")).ShouldBeAsync(HttpStatusCode.OK);
        (await verifying.QueryAsync(db => db.WaitingRegistrations.CountAsync(r => r.NormalizedEmail == email))).ShouldBe(0);
        await (await verifying.Client.PostAsJsonAsync("/email/verify", new { token = waiting.Token }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await verifying.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var client = verifying.ClientFor(new(0, "", email, "", Token(body)));
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString()
            .ShouldBe("Owner");
    }

    [Fact]
    public async Task Whoever_registered_an_address_that_is_not_theirs_is_out_once_its_owner_comes()
    {
        var thief = await app.CreateUserAsync("Thief");
        await app.AddWaysInAsync(thief);
        await app.MailAsync(thief.Email, VerifyEmailTests.Subject);
        (await app.CountWaysInAsync(thief)).ShouldBe(5);

        // The second factor of the thief does not stop the owner.
        var body = await (await app.UseAsync(await app.CodeAsync(thief.Email), "Own phone")).ShouldBeAsync(HttpStatusCode.OK);
        using var own = app.ClientFor(thief with { Token = Token(body) });
        var me = await (await own.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("id").GetInt64(), me.GetProperty("email_verified").GetBoolean()).ShouldBe((thief.Id, true));
        await (await app.ClientFor(thief).GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = thief.RefreshToken }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/login", new { email = thief.Email, password = thief.Password }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.CountWaysInAsync(thief)).ShouldBe(0);
        (await app.QueryAsync(db => db.Sessions.Where(s => s.UserId == thief.Id).Select(s => s.Device).ToListAsync()))
            .ShouldBe(["Own phone"]);
        (await app.EventsAsync(thief.Id)).ShouldBe(
        [
            SecurityEventKind.Registered, SecurityEventKind.LoggedIn, SecurityEventKind.SessionEnded, SecurityEventKind.WaysInRemoved,
            SecurityEventKind.LoggedIn,
        ]);
    }

    [Fact]
    public async Task A_second_factor_is_asked_for_after_the_code_of_a_verified_account()
    {
        var user = await app.CreateUserAsync();
        await app.VerifyAsync(user);
        await app.AddWaysInAsync(user);
        var code = await app.CodeAsync(user.Email);
        var refusal = await (await app.UseAsync(code)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        refusal.GetProperty("code").GetString().ShouldBe("mfa_required");
        refusal.GetProperty("mfa_token").GetString().ShouldNotBeNullOrEmpty();
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(1);
        await (await app.UseAsync(code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task A_disabled_account_is_told_so_only_with_the_right_code()
    {
        var user = await app.CreateUserAsync();
        await app.VerifyAsync(user);
        await DisableAsync(user);
        var code = await app.CodeAsync(user.Email);
        (await (await app.UseAsync(code.With(code.Wrong))).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal))
            .GetProperty("code").GetString().ShouldBe("invalid_code");
        (await (await app.UseAsync(code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized))
            .GetProperty("code").GetString().ShouldBe("account_disabled");
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(1);
    }

    [Theory]
    [InlineData(" {0}{1}{2} {3}{4}{5}\u00A0")]
    [InlineData("arab")]
    [InlineData("full width")]
    public async Task Digits_are_read_as_people_type_them(string form)
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        var typed = form switch
        {
            "arab" => string.Concat(code.Digits.Select(d => (char)(d - '0' + '\u0660'))),
            "full width" => string.Concat(code.Digits.Select(d => (char)(d - '0' + '\uFF10'))),
            _ => string.Format(null, form, [.. code.Digits.Select(d => (object)d)]),
        };
        await (await app.UseAsync(code.With(typed))).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("""{"email":"a@example.com","code":"123456"}""", "request_token")]
    [InlineData("""{"request_token":"x","code":"123456"}""", "email")]
    [InlineData("""{"request_token":"x","email":"a@example.com"}""", "code")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"12345"}""", "code")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"1234567"}""", "code")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"12345x"}""", "code")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":123456}""", "code")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"123456","name":""}""", "name")]
    [InlineData("""{"request_token":"x","email":"a@example.com","code":"123456","device":"a\u0000b"}""", "device")]
    public async Task A_refused_field_is_named(string body, string field) => await (await app.Client.PostAsync(
        "/login/code/verify", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancellation))
        .ShouldRefuseFieldsAsync(field);

    [Fact]
    public async Task A_code_is_valid_once_even_when_twenty_use_it_at_the_same_time()
    {
        foreach (var email in new[] { LoginCodes.Fresh(), (await app.CreateUserAsync()).Email })
        {
            var code = await app.CodeAsync(email);
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.UseAsync(code)));
            answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
            answers.Count(a => a.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(19);
            await (await app.UseAsync(code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
            (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == email))).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Two_codes_of_a_new_address_at_the_same_time_make_one_account()
    {
        for (var round = 0; round < 5; round++)
        {
            var email = LoginCodes.Fresh();
            var codes = new[] { await app.CodeAsync(email), await app.CodeAsync(email, count: 2) };
            var answers = await Task.WhenAll(codes.Select(async c => (Code: c, Answer: await app.UseAsync(c))));
            answers.ShouldContain(a => a.Answer.StatusCode == HttpStatusCode.OK);
            // The other one may be told to try again, and its code is not lost.
            foreach (var (code, answer) in answers.Where(a => a.Answer.StatusCode != HttpStatusCode.OK))
            {
                await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
                await (await app.UseAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
            }
            (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == email))).ShouldBe(1);
        }
    }

    [Fact]
    public async Task After_five_wrong_tries_the_right_digits_are_refused_too_and_another_code_is_not()
    {
        var (code, other) = (await app.CodeAsync(LoginCodes.Fresh()), default(LoginCode));
        other = await app.CodeAsync(code.Email, count: 2);
        for (var i = 0; i < MailCode.MostTries; i++)
            await (await app.UseAsync(code.With(code.Wrong))).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await app.UseAsync(code)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await app.UseAsync(other)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_code_is_bound_to_its_request_and_its_address()
    {
        var (victim, attacker) = (LoginCodes.Fresh(), LoginCodes.Fresh());
        // The attacker asks for a code of the victim's address, and the victim types the digits of the attacker's mail, or the reverse.
        var (planted, own) = (await app.CodeAsync(victim), await app.CodeAsync(victim, count: 2));
        var attackers = await app.CodeAsync(attacker);
        foreach (var mixed in new[]
        {
            planted.With(own.Digits), own.With(planted.Digits), planted.With(attackers.Digits), attackers.With(planted.Digits),
            attackers with { Email = victim }, planted with { Email = attacker }, planted with { RequestToken = attackers.RequestToken },
        })
        {
            // One in a million times two mails have the same digits.
            if (!new[] { planted, own, attackers }.Contains(mixed))
                await (await app.UseAsync(mixed)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        }
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == victim || u.NormalizedEmail == attacker))).ShouldBe(0);
        await (await app.UseAsync(own)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_code_that_is_expired_not_mailed_yet_or_void_by_a_change_is_refused()
    {
        var (expired, unsent, changed) = (await app.CodeAsync(LoginCodes.Fresh()), await app.CodeAsync(LoginCodes.Fresh()),
            await app.CreateUserAsync());
        await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == expired.Email).ExecuteUpdateAsync(
            c => c.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime.AddSeconds(-1))));
        await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == unsent.Email)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Nonce, (byte[]?)null)));
        await app.VerifyAsync(changed);
        var code = await app.CodeAsync(changed.Email);
        await (await app.ClientFor(changed).PutAsJsonAsync(
            "/me", new { email = "x" + changed.Email, current_password = changed.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        foreach (var void_ in new[] { expired, unsent, code })
            await (await app.UseAsync(void_)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task A_refusal_has_the_same_answer_and_work_for_every_address()
    {
        var (verified, unverified, disabled) = (await app.CreateUserAsync(), await app.CreateUserAsync(), await app.CreateUserAsync());
        await app.VerifyAsync(verified);
        await DisableAsync(disabled);
        List<LoginCode> codes =
            [new(LoginCodes.Fresh(), "no token of anybody", "123456"), new(verified.Email, "no token of anybody", "123456")];
        foreach (var email in new[] { LoginCodes.Fresh(), verified.Email, unverified.Email, disabled.Email })
        {
            var code = await app.CodeAsync(email);
            codes.Add(code.With(code.Wrong));
        }
        var commands = app.Services.GetRequiredService<CommandLog>();
        var told = new List<(string Shown, string Work)>();
        foreach (var (i, code) in codes.Index())
        {
            var answer = await app.UseAsync(code, trace: $"{code.Email} {i}");
            var body = await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
            var shown = body.EnumerateObject().Select(m => m.Name == "trace_id" ? m.Name : $"{m}")
                .Concat(answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key != "Date")
                    .Select(h => $"{h.Key}: {h.Value.First()}"));
            told.Add((string.Join('\n', shown), string.Join('\n', commands.Of($"{code.Email} {i}").Select(c => c.Text))));
        }
        told[0].Work.ShouldContain("mail_codes");
        told.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_GET_spends_nothing()
    {
        var code = await app.CodeAsync(LoginCodes.Fresh());
        foreach (var path in new[] { "/login/code", "/login/code/verify" })
        {
            await (await app.Client.GetAsync(
                $"{path}?request_token={code.RequestToken}&email={code.Email}&code={code.Digits}", Cancellation))
                .ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed);
        }
        (await app.QueryAsync(db => db.MailCodes.Where(c => c.NormalizedEmail == code.Email).Select(c => c.Tries).SingleAsync()))
            .ShouldBe(0);
        await (await app.UseAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
    }

    static string Token(JsonElement body) => body.GetProperty("access_token").GetString()!;

    Task<int> DisableAsync(TestUser user) => app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
        .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, DateTime.UnixEpoch)));
}
