using System.Net;
using System.Net.Http.Json;
using Profiles.Data;

namespace Profiles.Tests.Features.ListSecurityEvents;

public sealed class ListSecurityEventsTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Events_are_listed_latest_first()
    {
        var user = await app.CreateUserAsync();
        var session = await app.LogInAsync(user, "Phone");
        using var client = app.ClientFor(session);
        await (await client.DeleteAsync($"/me/sessions/{user.SessionId}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var events = await EventsAsync(client);

        events[0].Names().ShouldBe(["kind", "at", "device", "network"]);
        events.Take(2).Select(e => (e.GetProperty("kind").GetString(), e.GetProperty("device").GetString()))
            .ShouldBe([("session_ended", null), ("logged_in", "Phone")]);
        events[0].GetProperty("at").GetDateTimeOffset().ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Events_of_other_users_or_older_than_ninety_days_are_not_listed()
    {
        var user = await app.CreateUserAsync();
        var other = await app.CreateUserAsync();
        var now = app.Clock.GetUtcNow().UtcDateTime;
        await app.QueryAsync(async db =>
        {
            db.SecurityEvents.AddRange(
                new() { UserId = user.Id, Kind = SecurityEventKind.PasswordReset, At = now.AddDays(-90.1), Network = "203.0.113.0/24" },
                new() { UserId = user.Id, Kind = SecurityEventKind.PasswordChanged, At = now.AddDays(-89.9), Network = "203.0.113.0/24" },
                new() { UserId = other.Id, Kind = SecurityEventKind.EmailChanged, At = now });
            return await db.SaveChangesAsync();
        });
        using var client = app.ClientFor(user);
        var events = await EventsAsync(client);
        events.Select(e => e.GetProperty("kind").GetString()).ShouldNotContain("password_reset");
        events.Select(e => e.GetProperty("kind").GetString()).ShouldNotContain("email_changed");
        events[^1].GetProperty("kind").GetString().ShouldBe("password_changed");
        events[^1].GetProperty("network").GetString().ShouldBe("203.0.113.0/24");
    }

    [Fact]
    public async Task A_reused_refresh_token_is_listed()
    {
        var user = await app.CreateUserAsync();
        var next = (await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("refresh_token").GetString()!;
        await (await RefreshAsync(next)).ShouldBeAsync(HttpStatusCode.OK);
        await (await RefreshAsync(user.RefreshToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        using var client = app.ClientFor(await app.LogInAsync(user));
        (await EventsAsync(client)).Select(e => e.GetProperty("kind").GetString()).ShouldContain("refresh_token_reused");
    }

    async Task<System.Text.Json.JsonElement[]> EventsAsync(HttpClient client) =>
        [.. (await (await client.GetAsync("/me/security-events", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("events").EnumerateArray()];

    Task<HttpResponseMessage> RefreshAsync(string token) =>
        app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = token }, Cancellation);
}
