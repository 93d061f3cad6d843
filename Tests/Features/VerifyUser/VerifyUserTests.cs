using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Webhooks;
using Profiles.Tests.Features.VerifyEmail;
using Profiles.Tests.Infrastructure.Admin;

namespace Profiles.Tests.Features.VerifyUser;

public sealed class VerifyUserTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task The_address_is_confirmed_and_the_mailed_link_is_void()
    {
        var user = await app.CreateUserAsync();
        await app.MailAsync(user.Email, "Confirm your e-mail address");
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        for (var i = 0; i < 2; i++)
            await (await admin.PostAsync($"/admin/users/{user.Id}/verify", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(user);
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("email_verified").GetBoolean()
            .ShouldBeTrue();
        (await app.QueryAsync(db => db.OneTimeTokens.CountAsync(t => t.UserId == user.Id))).ShouldBe(0);
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == user.Id && e.Kind == SecurityEventKind.EmailVerified)))
            .ShouldBe(1);
        (await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id))).Action.ShouldBe("user.verified");
    }

    [Fact]
    public async Task The_command_does_the_same_and_nobody_is_not_found()
    {
        var user = await app.CreateUserAsync();
        (await app.RunAsync("users", "verify", $"{user.Id}"))
            .ShouldBe((0, $"User {user.Id} ({user.Email}) has a confirmed address.\n", ""));
        (await app.QueryAsync(db => db.FindUserAsync(user.Id, Cancellation)))!.EmailVerifiedAt.ShouldNotBeNull();
        using var admin = app.ClientWith(await app.CreateKeyAsync());
        await (await admin.PostAsync("/admin/users/987654321/verify", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        (await app.RunAsync("users", "verify", "987654321")).ExitCode.ShouldBe(1);
    }
}

/// <summary>Where addresses must be verified, a registration is no account yet.</summary>
public sealed class VerifyWaitingUserTests(VerifiedFixture app) : TestBase<VerifiedFixture>
{
    readonly string email = $"Waiting-{Guid.NewGuid():N}@example.com";

    const string Password = "correct horse battery staple";

    [Fact]
    public async Task The_command_makes_an_account_of_a_waiting_registration_and_tells_it()
    {
        await RegisterAsync();
        var link = (await app.MailAsync(email, VerifyEmailTests.Subject)).Token;
        (await app.RunAsync("webhooks", "add", "crm", "https://crm.invalid/", "--event", "user.created")).ExitCode.ShouldBe(0);
        var endpoints = app.Services.GetRequiredService<WebhookEndpoints>();
        await endpoints.LoadAsync(Cancellation);
        var (exitCode, said, error) = await app.RunAsync("users", "verify", email.ToUpperInvariant());
        var user = (await app.QueryAsync(db => db.FindUserAsync(User.Normalize(email), Cancellation)))!;
        (exitCode, said, error).ShouldBe((0, $"User {user.Id} ({email}) has a confirmed address.\n", ""));
        user.EmailVerifiedAt.ShouldNotBeNull();
        var entry = await app.QueryAsync(db => db.AuditLog.SingleAsync(e => e.UserId == user.Id));
        (entry.Action, entry.Detail).ShouldBe(("user.verified", "registration"));
        (await app.QueryAsync(db => db.Outbox.SingleAsync(e => e.Store == OutboxStore.Webhook && e.UserId == user.Id)))
            .Payload!.ShouldContain("user.created");
        (await app.Client.PostAsJsonAsync("/login", new { email, password = Password }, Cancellation)).StatusCode
            .ShouldBe(HttpStatusCode.OK);
        (await app.Client.PostAsJsonAsync("/email/verify", new { token = link }, Cancellation)).StatusCode
            .ShouldBe(HttpStatusCode.BadRequest);

        (await app.RunAsync("webhooks", "remove", "crm")).ExitCode.ShouldBe(0);
        await endpoints.LoadAsync(Cancellation);
        (await app.RunAsync("users", "verify", $"nobody-{email}")).ShouldBe((1, "", "Nobody has this address, id or username.\n"));
    }

    [Fact]
    public async Task A_waiting_registration_is_found_by_its_whole_address_until_an_account_has_it()
    {
        await RegisterAsync();
        var (exitCode, said, _) = await app.RunAsync("users", "find", email);
        exitCode.ShouldBe(0);
        said.ShouldMatch("^A registration of this address waits to be confirmed since 20[0-9: -]+Z \\(users verify\\)\\.\n$");
        (await WaitingSinceAsync()).ValueKind.ShouldBe(JsonValueKind.String);
        (await app.RunAsync("users", "find", email[..^1])).ShouldBe((1, "", "Nobody is found.\n"));

        (await app.RunAsync("users", "verify", email)).ExitCode.ShouldBe(0);
        // Somebody registers the address again, which only its owner is told.
        await RegisterAsync();
        (await WaitingSinceAsync()).ValueKind.ShouldBe(JsonValueKind.Null);
    }

    async Task RegisterAsync() => (await app.Client.PostAsJsonAsync(
        "/register", new { name = "John", email, password = Password }, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Accepted);

    async Task<JsonElement> WaitingSinceAsync()
    {
        using var json = JsonDocument.Parse((await app.RunAsync("users", "find", email, "--json")).Output);
        return json.RootElement.GetProperty("waiting_since").Clone();
    }
}
