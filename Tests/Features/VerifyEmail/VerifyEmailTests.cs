using System.Net;
using System.Net.Http.Json;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.VerifyEmail;

/// <summary>A service that requires a verified address for a login.</summary>
public class VerifiedFixture : ProfilesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Accounts:RequireVerifiedEmail", "true");
    }

    /// <summary>Registers a user, verifies the address and logs in.</summary>
    public async Task<TestUser> CreateVerifiedAsync()
    {
        var email = $"user-{Guid.NewGuid():N}@example.com";
        const string password = "correct horse battery staple";
        (await Client.PostAsJsonAsync("/register", new { name = "John Doe", email, password }))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var token = (await this.MailAsync(email, VerifyEmailTests.Subject)).Token;
        (await Client.PostAsJsonAsync("/email/verify", new { token })).StatusCode.ShouldBe(HttpStatusCode.OK);
        var login = await (await Client.PostAsJsonAsync("/login", new { email, password })).ShouldBeAsync(HttpStatusCode.OK);
        var id = await QueryAsync(db => db.Users.Where(u => u.NormalizedEmail == email).Select(u => u.Id).SingleAsync());
        return new(id, "John Doe", email, password, login.GetProperty("access_token").GetString()!,
            login.GetProperty("refresh_token").GetString()!);
    }
}

/// <summary>The default: a login needs no verified address.</summary>
public sealed class VerifyEmailTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    public const string Subject = "Confirm your e-mail address";

    internal const string Refusal = "This token is not valid, or not any more: ask for another mail.";

    [Fact]
    public async Task The_token_of_the_mail_after_registration_verifies_the_address_once()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var before = await client.GetAsync("/me", Cancellation);
        (await before.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email_verified").GetBoolean().ShouldBeFalse();
        var mail = await app.MailAsync(user.Email, Subject);
        mail.Raw.ShouldContain("It is valid for 3 days.");
        (await (await PostAsync(mail.Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("message").GetString()
            .ShouldBe("Email verified successfully");
        var after = await client.GetAsync("/me", Cancellation);
        (await after.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email_verified").GetBoolean().ShouldBeTrue();
        after.Headers.ETag.ShouldNotBe(before.Headers.ETag);
        (await StoredAsync(user)).EmailVerifiedAt.ShouldNotBeNull();
        (await EventsAsync(user)).ShouldBe([SecurityEventKind.Registered, SecurityEventKind.EmailVerified], ignoreOrder: true);
        await (await PostAsync(mail.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, Refusal);
    }

    [Fact]
    public async Task A_change_of_address_ends_the_other_sessions()
    {
        var user = await app.CreateUserAsync();
        var other = await app.LogInAsync(user, "Another phone");
        using var client = app.ClientFor(user);
        await (await client.PutAsJsonAsync("/me", new { email = $"other-{user.Email}", current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);

        using var locked = app.ClientFor(other);
        await (await locked.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await EventsAsync(user)).ShouldContain(SecurityEventKind.SessionEnded);
        // The same address in another spelling is no change.
        var again = await app.LogInAsync(user with { Email = $"other-{user.Email}" });
        await (await client.PutAsJsonAsync("/me", new { email = $"OTHER-{user.Email}" }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        using var still = app.ClientFor(again);
        await (await still.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_changed_address_takes_effect_at_once_unverified_and_the_old_one_gets_a_mail()
    {
        var user = await app.CreateUserAsync();
        (await PostAsync((await app.MailAsync(user.Email, Subject)).Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var email = $"new.o'hara&sons-{Guid.NewGuid():N}@example.com";
        var body = await (await app.ClientFor(user).PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (body.GetProperty("email").GetString(), body.GetProperty("email_verified").GetBoolean(),
            body.GetProperty("pending_email").GetString()).ShouldBe((email, false, null));
        var notice = await app.MailAsync(user.Email, "A change of your e-mail address");
        notice.Raw.ShouldContain($"has asked for {email} as");
        // The second part is HTML.
        notice.Raw.ShouldContain($"has asked for {HtmlEncoder.Default.Encode(email)} as");
        (await PostAsync((await app.MailAsync(email, Subject)).Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var stored = await StoredAsync(user);
        (stored.Email, stored.EmailVerifiedAt.HasValue).ShouldBe((email, true));
        (await EventsAsync(user)).ShouldContain(SecurityEventKind.EmailChanged);
    }

    [Fact]
    public async Task The_token_of_the_old_address_does_not_verify_the_new_one()
    {
        var user = await app.CreateUserAsync();
        var token = (await app.MailAsync(user.Email, Subject)).Token;
        await (await app.ClientFor(user).PutAsJsonAsync("/me", new { email = "x" + user.Email, current_password = user.Password },
            Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PostAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, Refusal);
        (await StoredAsync(user)).EmailVerifiedAt.ShouldBeNull();
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        var user = await app.CreateUserAsync();
        var token = (await app.MailAsync(user.Email, Subject)).Token;
        await app.QueryAsync(db => db.OneTimeTokens.Where(t => t.UserId == user.Id)
            .ExecuteUpdateAsync(t => t.SetProperty(x => x.ExpiresAt, app.Clock.GetUtcNow().UtcDateTime.AddSeconds(-1)), Cancellation));
        await (await PostAsync(token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, Refusal);
    }

    [Theory]
    [InlineData("""{"token":""}""")]
    [InlineData("""{"token":["x"]}""")]
    [InlineData("{}")]
    public async Task A_token_is_required(string body) =>
        await (await app.Client.PostAsync("/email/verify", new StringContent(body,
            new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), Cancellation)).ShouldRefuseFieldsAsync("token");

    Task<User> StoredAsync(TestUser user) => app.QueryAsync(db => db.Users.AsNoTracking().SingleAsync(u => u.Id == user.Id));

    Task<List<SecurityEventKind>> EventsAsync(TestUser user) =>
        app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id && e.Kind != SecurityEventKind.LoggedIn)
            .Select(e => e.Kind).ToListAsync());

    Task<HttpResponseMessage> PostAsync(string token) => app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);
}

/// <summary>
/// Where addresses must be verified, answers do not reveal which are taken, and the old address stays in force until the new one is
/// verified.
/// </summary>
public sealed class RequiredVerificationTests(VerifiedFixture app) : TestBase<VerifiedFixture>
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task An_unverified_user_cannot_log_in_and_gets_the_same_answer_as_for_a_wrong_password_or_an_unknown_address()
    {
        var email = $"new-{Guid.NewGuid():N}@example.com";
        (await RegisterAsync(email)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        // Otherwise a registration followed by a login would reveal taken addresses.
        foreach (var (address, password) in new[] { (email, "wrong password"), (email, Password), ("nobody@example.com", Password) })
            await (await LoginAsync(address, password))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "Invalid email or password, or the address is not confirmed yet");
        (await PostAsync((await app.MailAsync(email, VerifyEmailTests.Subject)).Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoginAsync(email, Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Registration_answers_a_taken_address_like_a_new_one_and_its_owner_gets_a_mail()
    {
        var owner = await app.CreateVerifiedAsync();
        var (taken, fresh) = (await RegisterAsync(owner.Email.ToUpperInvariant()),
            await RegisterAsync($"new-{Guid.NewGuid():N}@example.com"));
        (await taken.Content.ReadAsStringAsync(Cancellation)).ShouldBe(await fresh.Content.ReadAsStringAsync(Cancellation));
        (taken.StatusCode, fresh.StatusCode).ShouldBe((HttpStatusCode.Accepted, HttpStatusCode.Accepted));
        taken.Headers.Select(h => h.Key).ShouldBe(fresh.Headers.Select(h => h.Key));
        (await app.MailAsync(owner.Email, "You have an account already")).Token.ShouldBeEmpty();
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == owner.Email))).ShouldBe(1);
        (await LoginAsync(owner.Email, owner.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_new_address_waits_and_the_old_one_stays_in_force_and_gets_a_mail()
    {
        var user = await app.CreateVerifiedAsync();
        var email = $"New-{Guid.NewGuid():N}@example.com";
        var body = await (await ChangeAsync(user, email)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("message").GetString().ShouldBe("Profile updated successfully");
        (body.GetProperty("email").GetString(), body.GetProperty("email_verified").GetBoolean(),
            body.GetProperty("pending_email").GetString()).ShouldBe((user.Email, true, email));
        (await LoginAsync(user.Email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoginAsync(email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await app.MailAsync(user.Email, "A change of your e-mail address")).Raw.ShouldContain(email);
        (await PostAsync((await app.MailAsync(email, VerifyEmailTests.Subject)).Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoginAsync(email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await LoginAsync(user.Email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var stored = await app.QueryAsync(db => db.Users.AsNoTracking().SingleAsync(u => u.Id == user.Id));
        (stored.Email, stored.NormalizedEmail, stored.PendingEmail).ShouldBe((email, email.ToLowerInvariant(), null));
        var events = await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).Select(e => e.Kind).ToListAsync());
        events.ShouldContain(SecurityEventKind.EmailChangeRequested);
        events.ShouldContain(SecurityEventKind.EmailChanged);
    }

    [Fact]
    public async Task A_change_to_a_taken_address_is_answered_like_any_other_and_never_takes_effect()
    {
        var (user, owner) = (await app.CreateVerifiedAsync(), await app.CreateVerifiedAsync());
        var body = await (await ChangeAsync(user, owner.Email)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("pending_email").GetString().ShouldBe(owner.Email);
        await app.MailAsync(owner.Email, "You have an account already");
        app.MailsTo(owner.Email).Count(m => m.Subject == VerifyEmailTests.Subject).ShouldBe(1, "The mail of the registration.");
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id))).ShouldBe(0);
        (await LoginAsync(owner.Email, owner.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_two_users_who_wait_for_one_address_the_first_to_verify_it_gets_it()
    {
        var (one, two) = (await app.CreateVerifiedAsync(), await app.CreateVerifiedAsync());
        var email = $"wanted-{Guid.NewGuid():N}@example.com";
        await (await ChangeAsync(one, email)).ShouldBeAsync(HttpStatusCode.OK);
        var first = await app.MailAsync(email, VerifyEmailTests.Subject);
        await (await ChangeAsync(two, email)).ShouldBeAsync(HttpStatusCode.OK);
        var second = await app.MailAsync(email, VerifyEmailTests.Subject, count: 2);
        (await PostAsync(second.Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await PostAsync(first.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await app.QueryAsync(db => db.Users.Where(u => u.NormalizedEmail == email).Select(u => u.Id).SingleAsync())).ShouldBe(two.Id);
    }

    [Fact]
    public async Task A_password_reset_verifies_the_address_and_drops_the_waiting_change()
    {
        var user = await app.CreateVerifiedAsync();
        var email = $"new-{Guid.NewGuid():N}@example.com";
        await (await ChangeAsync(user, email)).ShouldBeAsync(HttpStatusCode.OK);
        var waiting = await app.MailAsync(email, VerifyEmailTests.Subject);
        await app.Client.PostAsJsonAsync("/password/forgot", new { email = user.Email }, Cancellation);
        var token = (await app.MailAsync(user.Email, "Set a new password")).Token;
        (await app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = Password + "2" }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await PostAsync(waiting.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.PendingEmail).SingleAsync())).ShouldBeNull();
    }

    Task<HttpResponseMessage> RegisterAsync(string email) =>
        app.Client.PostAsJsonAsync("/register", new { name = "John Doe", email, password = Password }, Cancellation);

    Task<HttpResponseMessage> LoginAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    Task<HttpResponseMessage> ChangeAsync(TestUser user, string email) =>
        app.ClientFor(user).PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation);

    Task<HttpResponseMessage> PostAsync(string token) => app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);
}
