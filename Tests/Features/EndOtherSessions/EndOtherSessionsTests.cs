using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.EndOtherSessions;

public sealed class EndOtherSessionsTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task All_other_sessions_end_and_this_one_stays()
    {
        var user = await app.CreateUserAsync();
        var others = new[] { await app.LogInAsync(user, "One"), await app.LogInAsync(user, "Two") };
        var stranger = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var body = await (await client.DeleteAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        body.Names().ShouldBe(["message", "ended"]);
        body.GetProperty("message").GetString().ShouldBe("Other sessions ended successfully");
        body.GetProperty("ended").GetInt32().ShouldBe(2);
        foreach (var other in others)
        {
            using var ended = app.ClientFor(other);
            await (await ended.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Sessions.Where(s => s.UserId == user.Id).Select(s => s.Id).ToListAsync()))
            .ShouldBe([user.SessionId]);
        (await app.QueryAsync(db => db.Sessions.AnyAsync(s => s.Id == stranger.SessionId))).ShouldBeTrue();
        (await app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id && e.Kind == SecurityEventKind.SessionEnded)
            .Select(e => e.Device).Order().ToListAsync())).ShouldBe(["One", "Two"]);
    }

    [Fact]
    public async Task Without_another_session_nothing_happens()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        (await (await client.DeleteAsync("/me/sessions", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("ended").GetInt32().ShouldBe(0);
    }
}
