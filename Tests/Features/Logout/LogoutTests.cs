using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.Logout;

public sealed class LogoutTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_session_ends_and_its_access_token_is_refused_at_the_next_request()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync(), "Old phone");
        using var client = app.ClientFor(user);
        var body = await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        body.GetProperty("message").GetString().ShouldBe("Logged out successfully");
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.QueryAsync(db => db.Sessions.AnyAsync(s => s.Id == user.SessionId))).ShouldBeFalse();
        var noted = await app.QueryAsync(db => db.SecurityEvents.SingleAsync(e => e.UserId == user.Id &&
            e.Kind == SecurityEventKind.LoggedOut));
        noted.Device.ShouldBe("Old phone");
    }

    [Fact]
    public async Task Other_sessions_stay()
    {
        var user = await app.CreateUserAsync();
        using var other = app.ClientFor(await app.LogInAsync(user));
        using var client = app.ClientFor(user);
        await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await other.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }
}
