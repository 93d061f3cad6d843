using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.ListSessions;

public sealed class ListSessionsTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Sessions_are_listed_latest_first_and_the_callers_own_is_marked()
    {
        var user = await app.CreateUserAsync();
        var session = await app.LogInAsync(user, "  John's phone ☕ ");
        using var client = app.ClientFor(session);
        var body = await (await client.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        body.Names().ShouldBe(["sessions"]);
        var sessions = body.GetProperty("sessions").EnumerateArray().ToArray();
        sessions.Select(s => s.GetProperty("id").GetInt64()).ShouldBe([session.SessionId, user.SessionId]);
        sessions[0].Names().ShouldBe(["id", "device", "created_at", "last_used_at", "current"]);
        sessions.Select(s => s.GetProperty("device").GetString()).ShouldBe(["John's phone ☕", null]);
        sessions.Select(s => s.GetProperty("current").GetBoolean()).ShouldBe([true, false]);
        sessions[0].GetProperty("created_at").GetString()!.ShouldEndWith("Z");
        sessions[0].GetProperty("created_at").GetDateTimeOffset().ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_refresh_counts_as_a_use_and_starts_no_session()
    {
        var user = await app.CreateUserAsync();
        await (await app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = user.RefreshToken }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        using var client = app.ClientFor(user);
        var session = (await (await client.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("sessions")
            .EnumerateArray().ShouldHaveSingleItem();
        session.GetProperty("last_used_at").GetDateTimeOffset().ShouldBeGreaterThan(session.GetProperty("created_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task Sessions_of_other_users_are_not_listed()
    {
        await app.CreateUserAsync();
        using var client = app.ClientFor(await app.CreateUserAsync());
        (await (await client.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("sessions")
            .GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task A_device_has_at_most_a_hundred_characters_and_no_control_characters()
    {
        var user = await app.CreateUserAsync();
        await app.LogInAsync(user, string.Concat(Enumerable.Repeat("😀", Session.DeviceMaxLength)));
        foreach (var device in new[] { new string('x', Session.DeviceMaxLength + 1), "a\nb", "a\0b" })
        {
            var refused = await app.Client.PostAsJsonAsync("/login",
                new { email = user.Email, password = user.Password, device }, Cancellation);
            await refused.ShouldRefuseFieldsAsync("device");
        }
    }

    [Fact]
    public async Task One_session_too_many_ends_the_least_recently_used_one()
    {
        var first = await app.CreateUserAsync();
        for (var i = 1; i <= 50; i++)
            await app.LogInAsync(first);
        using var client = app.ClientFor(first);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == first.Id && e.Kind == SecurityEventKind.SessionEnded)))
            .ShouldBe(1);
        using var last = app.ClientFor(await app.LogInAsync(first));
        (await (await last.GetAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("sessions")
            .GetArrayLength().ShouldBe(50);
    }
}
