using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Features.Register;

/// <summary>
/// Where addresses must be verified, a registration waits, and the owner of the mailbox decides which one becomes the account.
/// </summary>
public sealed class PendingRegistrationTests(VerifiedFixture app) : TestBase<VerifiedFixture>
{
    const string Thief = "password of the thief", Owner = "password of the owner", New = "another horse battery staple";

    [Fact]
    public async Task Registering_the_address_again_replaces_name_password_and_token()
    {
        var email = Fresh();
        await RegisterAsync(email.ToUpperInvariant(), Thief, "Thief");
        var first = await app.MailAsync(email.ToUpperInvariant(), VerifyEmailTests.Subject);
        await RegisterAsync(email, Owner, "Owner");
        var second = await app.MailAsync(email, VerifyEmailTests.Subject);
        await (await VerifyAsync(first.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        await (await VerifyAsync(second.Token)).ShouldBeAsync(HttpStatusCode.OK);
        (await LoginAsync(email, Thief)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var login = await (await LoginAsync(email, Owner)).ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(new(0, "", email, Owner, login.GetProperty("access_token").GetString()!));
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("name").GetString(), me.GetProperty("email").GetString(), me.GetProperty("email_verified").GetBoolean())
            .ShouldBe(("Owner", email, true));
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == me.GetProperty("id").GetInt64() &&
            e.Kind != SecurityEventKind.LoginFailed).OrderBy(e => e.Id).Select(e => e.Kind).ToListAsync()))
            .ShouldBe([SecurityEventKind.Registered, SecurityEventKind.EmailVerified, SecurityEventKind.LoggedIn]);
        await (await VerifyAsync(second.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Of_simultaneous_registrations_one_waits_and_its_token_decides()
    {
        var email = Fresh();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(i => RegisterAsync(email, $"{Owner} {i}", $"Owner {i}")));
        await app.SentAsync(email);
        var verified = new List<HttpStatusCode>();
        foreach (var mail in app.MailsTo(email))
            verified.Add((await VerifyAsync(mail.Token)).StatusCode);
        verified.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        var logins = await Task.WhenAll(Enumerable.Range(0, 5)
            .Select(async i => (Status: (await LoginAsync(email, $"{Owner} {i}")).StatusCode, Name: $"Owner {i}")));
        var winner = logins.Where(l => l.Status == HttpStatusCode.OK).ShouldHaveSingleItem();
        (await app.QueryAsync(db => db.Users.Where(u => u.NormalizedEmail == email).Select(u => u.Profile.Name).ToListAsync()))
            .ShouldBe([winner.Name]);
    }

    [Fact]
    public async Task A_confirmation_that_races_a_replacement_never_confirms_the_others_password()
    {
        for (var round = 0; round < 5; round++)
        {
            var email = Fresh();
            await RegisterAsync(email, Owner, "Owner");
            var token = (await app.MailAsync(email, VerifyEmailTests.Subject)).Token;
            var verify = VerifyAsync(token);
            await Task.WhenAll(verify, RegisterAsync(email, Thief, "Thief"));
            (await LoginAsync(email, Thief)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await LoginAsync(email, Owner)).StatusCode.ShouldBe((await verify).StatusCode == HttpStatusCode.OK
                ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task A_free_address_a_waiting_one_and_a_taken_one_cost_the_same_work()
    {
        var (owner, email) = (await app.CreateVerifiedAsync(), Fresh());
        await RegisterAsync(email, Owner, "free", trace: "free registration");
        await RegisterAsync(email, Owner, "waiting", trace: "waiting registration");
        await RegisterAsync(owner.Email, Owner, "taken", trace: "taken registration");
        var commands = app.Services.GetRequiredService<CommandLog>();
        var free = commands.Of("free registration").Select(c => c.Text).ToArray();
        free.ShouldNotBeEmpty();
        commands.Of("waiting registration").Select(c => c.Text).ShouldBe(free);
        commands.Of("taken registration").Select(c => c.Text).ShouldBe(free);
    }

    [Fact]
    public async Task The_owner_of_a_taken_address_gets_a_mail_at_the_stored_address_and_stays()
    {
        var owner = await app.CreateVerifiedAsync();
        await RegisterAsync(owner.Email.ToUpperInvariant(), Thief, "Thief");
        (await app.MailAsync(owner.Email, "You have an account already")).Token.ShouldBeEmpty();
        app.MailsTo(owner.Email.ToUpperInvariant()).ShouldBeEmpty();
        (await LoginAsync(owner.Email, Thief)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(owner.Email, owner.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_user_who_lost_the_mail_gets_in_by_resetting_the_password()
    {
        var email = Fresh();
        await RegisterAsync(email, Thief, "John");
        var confirm = await app.MailAsync(email, VerifyEmailTests.Subject);
        (await app.Client.PostAsJsonAsync("/password/forgot", new { email = email.ToUpperInvariant() }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var reset = await app.MailAsync(email, "Set a new password");
        await (await VerifyAsync(reset.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await ResetAsync(reset.Token, email)).ShouldRefuseFieldsAsync("new_password");
        await (await ResetAsync(reset.Token, New)).ShouldBeAsync(HttpStatusCode.OK);
        await (await ResetAsync(reset.Token, New)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await VerifyAsync(confirm.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await LoginAsync(email, Thief)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await LoginAsync(email, New)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_first_to_confirm_an_address_gets_it_by_registration_or_by_change()
    {
        var (user, email) = (await app.CreateVerifiedAsync(), Fresh());
        await RegisterAsync(email, Thief, "Thief");
        var registered = await app.MailAsync(email, VerifyEmailTests.Subject);
        await (await app.ClientFor(user).PutAsJsonAsync("/me", new { email, current_password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var changed = await app.MailAsync(email, VerifyEmailTests.Subject, count: 2);
        await (await VerifyAsync(changed.Token)).ShouldBeAsync(HttpStatusCode.OK);
        await (await VerifyAsync(registered.Token)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        (await LoginAsync(email, user.Password)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    static string Fresh() => $"new-{Guid.NewGuid():N}@example.com";

    async Task RegisterAsync(string email, string password, string name, string? trace = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/register");
        request.Content = JsonContent.Create(new { name, email, password });
        if (trace is not null)
            request.Headers.Add("X-Test-Trace", trace);
        (await app.Client.SendAsync(request, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    Task<HttpResponseMessage> LoginAsync(string email, string password) =>
        app.Client.PostAsJsonAsync("/login", new { email, password }, Cancellation);

    Task<HttpResponseMessage> ResetAsync(string token, string password) =>
        app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = password }, Cancellation);

    Task<HttpResponseMessage> VerifyAsync(string token) => app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);
}
