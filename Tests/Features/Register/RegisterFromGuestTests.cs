using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Tests.Features.VerifyEmail;

namespace Profiles.Tests.Features.Register;

/// <summary>A guest becomes a full account, which keeps its id.</summary>
public sealed class RegisterFromGuestTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    internal const string Password = "correct horse battery staple";

    readonly string email = $"Guest-{Guid.NewGuid():N}@example.com";

    [Fact]
    public async Task The_account_keeps_its_id_its_profile_and_its_session()
    {
        var guest = await app.CreateGuestAsync("Phone");
        using var client = app.ClientFor(guest);
        await (await client.PutAsJsonAsync("/me", new { name = "Zoë", bio = "Climbs things." }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var tag = (await client.GetAsync("/me", Cancellation)).Headers.ETag;
        var answer = await client.PostAsJsonAsync("/register", new { email, password = Password, from_guest = true }, Cancellation);
        var body = await answer.ShouldBeAsync(HttpStatusCode.Created);
        (body.GetProperty("id").GetInt64(), body.GetProperty("message").GetString()).ShouldBe((guest.Id, "User registered successfully"));
        var shown = await client.GetAsync("/me", Cancellation);
        var me = await shown.ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("name").GetString(), me.GetProperty("bio").GetString(), me.GetProperty("email").GetString(),
            me.GetProperty("email_verified").GetBoolean(), me.GetProperty("is_guest").GetBoolean())
            .ShouldBe(("Zoë", "Climbs things.", email, false, false));
        shown.Headers.ETag.ShouldNotBe(tag);
        (await app.LogInAsync(guest with { Email = email, Password = Password })).Id.ShouldBe(guest.Id);
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == guest.Id))).ShouldBe(2);
        var token = (await app.MailAsync(email, VerifyEmailTests.Subject)).Token;
        await (await app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == guest.Id).OrderBy(e => e.Id).Select(e => e.Kind)
            .ToListAsync())).ShouldBe(
            [
                SecurityEventKind.Registered, SecurityEventKind.LoggedIn, SecurityEventKind.EmailChanged, SecurityEventKind.LoggedIn,
                SecurityEventKind.EmailVerified,
            ]);
    }

    [Fact]
    public async Task A_name_that_is_sent_replaces_the_present_one()
    {
        using var client = app.ClientFor(await app.CreateGuestAsync());
        await (await UpgradeAsync(client, email, name: " Jane ")).ShouldBeAsync(HttpStatusCode.Created);
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("name").GetString().ShouldBe("Jane");
    }

    [Fact]
    public async Task A_taken_address_leaves_the_guest_as_it_was()
    {
        var (owner, guest) = (await app.CreateUserAsync(), await app.CreateGuestAsync());
        using var client = app.ClientFor(guest);
        var before = await StoredAsync(guest);
        await (await UpgradeAsync(client, owner.Email.ToUpperInvariant(), name: "Thief"))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
        (await StoredAsync(guest)).ShouldBe(before);
        (await app.LogInAsync(owner)).Id.ShouldBe(owner.Id);
        await (await UpgradeAsync(client, email)).ShouldBeAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Refused_fields_leave_the_guest_as_it_was()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        var before = await StoredAsync(guest);
        await (await client.PostAsJsonAsync("/register", new { name = "", email = "x", password = "1", from_guest = true }, Cancellation))
            .ShouldRefuseFieldsAsync("name", "email", "password");
        await (await client.PostAsJsonAsync("/register", new { email, password = email, from_guest = true }, Cancellation))
            .ShouldRefuseFieldsAsync("password");
        await (await client.PostAsJsonAsync("/register", new { email, password = Password, from_guest = "yes" }, Cancellation))
            .ShouldRefuseFieldsAsync("from_guest");
        (await StoredAsync(guest)).ShouldBe(before);
        // Only a guest has a name already.
        await (await client.PostAsJsonAsync("/register", new { email, password = Password }, Cancellation)).ShouldRefuseFieldsAsync("name");
    }

    [Fact]
    public async Task It_needs_the_valid_token_of_a_guest()
    {
        var users = await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == User.Normalize(email)));
        await (await UpgradeAsync(app.Client, email, name: "A"))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidAccessToken.Sentence);
        var ended = await app.CreateGuestAsync();
        using (var client = app.ClientFor(ended))
            await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var full = await app.CreateUserAsync();
        foreach (var token in new[] { ended.Token, "x", $"{full.Token}x", full.RefreshToken, " " })
        {
            using var client = app.ClientFor(full with { Token = token });
            var refused = await UpgradeAsync(client, email, name: "A");
            await refused.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
        using (var client = app.ClientFor(full))
            (await (await UpgradeAsync(client, email, name: "A")).ShouldBeProblemAsync(HttpStatusCode.Conflict))
                .GetProperty("code").GetString().ShouldBe("not_a_guest");
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == User.Normalize(email)))).ShouldBe(users);
        (await app.QueryAsync(db => db.FindUserAsync(full.Id, Cancellation)))!.Email.ShouldBe(full.Email);
    }

    [Fact]
    public async Task The_token_and_nothing_in_the_body_says_whose_account_it_is()
    {
        var (mine, other) = (await app.CreateGuestAsync(), await app.CreateGuestAsync());
        var before = await StoredAsync(other);
        using var client = app.ClientFor(mine);
        var body = new { id = other.Id, user_id = other.Id, guest = other.Token, email, password = Password, from_guest = true };
        var answer = await client.PostAsJsonAsync("/register", body, Cancellation);
        (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(mine.Id);
        (await StoredAsync(other)).ShouldBe(before);
    }

    [Fact]
    public async Task Without_from_guest_a_guest_registers_another_account()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        var body = new { name = "John", email, password = Password, from_guest = false };
        (await (await client.PostAsJsonAsync("/register", body, Cancellation)).ShouldBeAsync(HttpStatusCode.Created))
            .GetProperty("id").GetInt64().ShouldNotBe(guest.Id);
    }

    [Fact]
    public async Task Of_many_upgrades_at_once_one_wins()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        var statuses = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
            (await UpgradeAsync(client, $"{i}-{email}")).StatusCode));
        statuses.Count(s => s == HttpStatusCode.Created).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.Conflict).ShouldBe(9);
        var winner = (await StoredAsync(guest)).Email!;
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail!.EndsWith(User.Normalize(email))))).ShouldBe(1);
        (await app.LogInAsync(guest with { Email = winner, Password = Password })).Id.ShouldBe(guest.Id);
    }

    [Fact]
    public async Task An_upgrade_that_races_a_deletion_is_whole_or_refused()
    {
        for (var round = 0; round < 5; round++)
        {
            var guest = await app.CreateGuestAsync();
            using var client = app.ClientFor(guest);
            var deletion = app.RunAsync("users", "delete", $"{guest.Id}", "--yes");
            var status = (await UpgradeAsync(client, $"{round}-{email}")).StatusCode;
            (await deletion).ExitCode.ShouldBe(0);
            new[] { HttpStatusCode.Created, HttpStatusCode.Unauthorized }.ShouldContain(status);
            (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail!.EndsWith(User.Normalize(email))))).ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_repeated_request_with_a_key_gets_the_first_answer_again()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        client.DefaultRequestHeaders.Add("Idempotency-Key", $"{Guid.NewGuid()}");
        for (var i = 0; i < 2; i++)
        {
            var answer = await UpgradeAsync(client, email);
            (await answer.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64().ShouldBe(guest.Id);
            answer.Headers.Contains("Idempotency-Replayed").ShouldBe(i == 1);
        }
    }

    [Fact]
    public async Task An_address_of_a_guest_that_is_confirmed_or_gets_a_new_password_makes_it_a_full_account()
    {
        foreach (var isReset in new[] { false, true })
        {
            var (guest, address) = (await app.CreateGuestAsync(), $"{isReset}-{email}".ToLowerInvariant());
            using var client = app.ClientFor(guest);
            await app.QueryAsync(db => db.Users.Where(u => u.Id == guest.Id).ExecuteUpdateAsync(
                u => u.SetProperty(x => x.Email, address).SetProperty(x => x.NormalizedEmail, address)));
            (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
                .GetProperty("is_guest").GetBoolean().ShouldBeTrue();
            var asked = isReset
                ? await app.Client.PostAsJsonAsync("/password/forgot", new { email = address }, Cancellation)
                : await client.PostAsync("/email/verify/resend", null, Cancellation);
            await asked.ShouldBeAsync(HttpStatusCode.Accepted);
            var token = (await app.MailAsync(address, isReset ? "Set a new password" : VerifyEmailTests.Subject)).Token;
            var used = isReset
                ? await app.Client.PostAsJsonAsync("/password/reset", new { token, new_password = Password }, Cancellation)
                : await app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);
            await used.ShouldBeAsync(HttpStatusCode.OK);
            var stored = await app.QueryAsync(db => db.FindUserAsync(guest.Id, Cancellation));
            (stored!.GuestSince, stored.EmailVerifiedAt is null).ShouldBe((null, false));
        }
    }

    Task<HttpResponseMessage> UpgradeAsync(HttpClient client, string address, string? name = null) =>
        client.PostAsJsonAsync("/register", new { name, email = address, password = Password, from_guest = true }, Cancellation);

    Task<(string? Email, string Hash, DateTime? Guest, string Name, int Version, int Events, int Mails)> StoredAsync(TestUser user) =>
        app.QueryAsync(async db =>
        {
            var stored = (await db.FindUserAsync(user.Id, Cancellation))!;
            return (stored.Email, stored.PasswordHash, stored.GuestSince, stored.Profile.Name, stored.Profile.Version,
                await db.SecurityEvents.CountAsync(e => e.UserId == user.Id), await db.Outbox.CountAsync(e => e.UserId == user.Id));
        });
}

/// <summary>Where addresses must be verified, a guest stays one until then, and learns nothing about the address.</summary>
public sealed class PendingGuestTests(VerifiedFixture app) : TestBase<VerifiedFixture>
{
    const string Password = RegisterFromGuestTests.Password;

    readonly string email = $"guest-{Guid.NewGuid():N}@example.com";

    [Fact]
    public async Task The_guest_becomes_a_full_account_when_the_address_is_confirmed()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        await (await UpgradeAsync(client, $"typo-{email}", "another horse battery staple")).ShouldBeAsync(HttpStatusCode.Accepted);
        var wrong = (await app.MailAsync($"typo-{email}", VerifyEmailTests.Subject)).Token;
        var accepted = await (await UpgradeAsync(client, email, Password)).ShouldBeAsync(HttpStatusCode.Accepted);
        accepted.Names().ShouldBe(["message"]);
        var me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("email").GetString(), me.GetProperty("pending_email").GetString(), me.GetProperty("is_guest").GetBoolean())
            .ShouldBe((null, email, true));
        (await LogInAsync()).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        await (await VerifyAsync(wrong)).ShouldBeProblemAsync(HttpStatusCode.BadRequest, VerifyEmailTests.Refusal);
        await (await VerifyAsync((await app.MailAsync(email, VerifyEmailTests.Subject)).Token)).ShouldBeAsync(HttpStatusCode.OK);
        me = await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (me.GetProperty("id").GetInt64(), me.GetProperty("email").GetString(), me.GetProperty("email_verified").GetBoolean(),
            me.GetProperty("is_guest").GetBoolean()).ShouldBe((guest.Id, email, true, false));
        await (await LogInAsync()).ShouldBeAsync(HttpStatusCode.OK);
        (await (await UpgradeAsync(client, email, Password)).ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString()
            .ShouldBe("not_a_guest");
    }

    [Fact]
    public async Task A_free_address_and_a_taken_one_get_the_same_answer_after_the_same_work()
    {
        var owner = await app.CreateVerifiedAsync();
        var answers = new List<string>();
        foreach (var (address, trace) in new[] { (email, "free for a guest"), (owner.Email, "taken for a guest") })
        {
            using var client = app.ClientFor(await app.CreateGuestAsync());
            client.DefaultRequestHeaders.Add("X-Test-Trace", trace);
            var answer = await UpgradeAsync(client, address, Password);
            answers.Add($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancellation)}");
        }
        answers[1].ShouldBe(answers[0]);
        var commands = app.Services.GetRequiredService<CommandLog>();
        var free = commands.OwnOf("free for a guest").Select(c => c.Text).ToArray();
        free.ShouldNotBeEmpty();
        commands.OwnOf("taken for a guest").Select(c => c.Text).ShouldBe(free);
        // Only the owner learns that it is taken, and stays.
        (await app.MailAsync(owner.Email, "You have an account already")).Token.ShouldBeEmpty();
        (await app.Client.PostAsJsonAsync("/login", new { email = owner.Email, password = owner.Password }, Cancellation))
            .StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    Task<HttpResponseMessage> UpgradeAsync(HttpClient client, string address, string password) =>
        client.PostAsJsonAsync("/register", new { email = address, password, from_guest = true }, Cancellation);

    Task<HttpResponseMessage> LogInAsync() => app.Client.PostAsJsonAsync("/login", new { email, password = Password }, Cancellation);

    Task<HttpResponseMessage> VerifyAsync(string token) => app.Client.PostAsJsonAsync("/email/verify", new { token }, Cancellation);
}
