using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Features.LoginWithCode;

namespace Profiles.Tests.Features.VerifyEmail;

/// <summary>A service whose mails have six digits, and which lets users log in before they confirm their addresses.</summary>
public sealed class OptionalCodesFixture : ProfilesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Mail:Codes", "true");
    }
}

/// <summary>Digits are bound to the request that asked for them: a person who types them confirms nothing that a stranger did.</summary>
public sealed class BoundCodesTests(MailCodesFixture app, OptionalCodesFixture optional)
    : TestBase<MailCodesFixture>, IClassFixture<OptionalCodesFixture>
{
    const string Stranger = "the password of a stranger", Own = "another horse battery staple";

    [Fact]
    public async Task The_person_who_waits_for_digits_does_not_confirm_the_registration_that_a_stranger_put_in_its_place()
    {
        var email = LoginCodes.Fresh();
        var code = await RegisterAsync(email);
        var theirs = await RegisterAsync(email, count: 2, password: Stranger);
        foreach (var tried in new[] { code, code.With(theirs.Digits), theirs.With(code.Digits) })
            await RefuseAsync(tried);
        foreach (var password in new[] { Stranger, "correct horse battery staple" })
            (await LogInAsync(email, password)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == email))).ShouldBe(0);
        // The owner of the mailbox gets in, and the stranger does not.
        var reset = await app.AskAsync("/password/forgot", email, "Set a new password");
        await RefuseAsync(theirs);
        await (await app.ResetAsync(reset, Own)).ShouldBeAsync(HttpStatusCode.OK);
        (await LogInAsync(email, Stranger)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await (await LogInAsync(email, Own)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Concurrent_registrations_and_digits_never_make_an_account_with_the_other_password()
    {
        for (var i = 0; i < 5; i++)
        {
            var email = LoginCodes.Fresh();
            var code = await RegisterAsync(email);
            var confirmed = app.ConfirmAsync(code);
            await Task.WhenAll(confirmed, app.Client.PostAsJsonAsync(
                "/register", new { name = "Mallory", email, password = Stranger }, Cancellation));
            (await LogInAsync(email, Stranger)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await LogInAsync(email, "correct horse battery staple")).StatusCode.ShouldBe((await confirmed).StatusCode == HttpStatusCode.OK
                ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task Digits_of_a_registration_do_not_confirm_the_change_of_address_of_a_stranger()
    {
        var (stranger, email) = (await app.CreateVerifiedAsync(), LoginCodes.Fresh());
        using var client = app.ClientFor(stranger);
        await (await client.PutAsJsonAsync("/me", new { email, current_password = stranger.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var theirs = await app.AskAsync("/email/verify/resend", email, VerifyEmailTests.Subject, count: 2, client);
        var code = await RegisterAsync(email, count: 3);
        await RefuseAsync(code.With(theirs.Digits));
        await RefuseAsync(theirs.With(code.Digits));
        await (await app.ConfirmAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
        await (await LogInAsync(email, "correct horse battery staple")).ShouldBeAsync(HttpStatusCode.OK);
        // The stranger's request is still bound to the stranger's account, and the address is taken by now.
        await RefuseAsync(theirs);
    }

    [Fact]
    public async Task Digits_make_a_guest_a_full_account()
    {
        var (guest, email) = (await app.CreateGuestAsync(), LoginCodes.Fresh());
        var code = await app.AskAsync(
            "/register", email, VerifyEmailTests.Subject, client: app.ClientFor(guest), fromGuest: true);
        await (await app.ConfirmAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
        var me = await (await app.ClientFor(guest).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("email").GetString(), me.GetProperty("is_guest").GetBoolean()).ShouldBe((email, false));
    }

    [Fact]
    public async Task A_taken_address_is_answered_like_a_new_one()
    {
        var user = await app.CreateVerifiedAsync();
        var answers = new List<string[]>();
        foreach (var email in new[] { user.Email, LoginCodes.Fresh() })
        {
            var body = await (await app.Client.PostAsJsonAsync(
                "/register", new { name = "John Doe", email, password = Own }, Cancellation)).ShouldBeAsync(HttpStatusCode.Accepted);
            body.GetProperty("request_token").GetString()!.Length.ShouldBe(43);
            answers.Add([.. body.Names()]);
            await RefuseAsync(new(email, body.GetProperty("request_token").GetString()!, "000000"));
        }
        answers[1].ShouldBe(answers[0]);
        (await app.MailAsync(user.Email, "You have an account already")).Digits.ShouldBeEmpty();
    }

    [Fact]
    public async Task Where_addresses_need_no_confirmation_the_digits_of_a_registration_and_of_a_further_mail_confirm_it()
    {
        var code = await optional.AskAsync("/register", LoginCodes.Fresh(), VerifyEmailTests.Subject);
        await (await optional.ConfirmAsync(code)).ShouldBeAsync(HttpStatusCode.OK);
        var user = await optional.CreateUserAsync();
        var again = await optional.AskAsync(
            "/email/verify/resend", user.Email, VerifyEmailTests.Subject, count: 2, optional.ClientFor(user));
        await (await optional.ConfirmAsync(again)).ShouldBeAsync(HttpStatusCode.OK);
        foreach (var email in new[] { code.Email, user.Email })
            (await optional.QueryAsync(db => db.Users.SingleAsync(u => u.NormalizedEmail == email))).EmailVerifiedAt.ShouldNotBeNull();
    }

    Task<LoginCode> RegisterAsync(string email, int count = 1, string password = "correct horse battery staple") =>
        app.AskAsync("/register", email, VerifyEmailTests.Subject, count, password: password);

    Task<HttpResponseMessage> LogInAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    async Task RefuseAsync(LoginCode code) =>
        await (await app.ConfirmAsync(code)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
}
