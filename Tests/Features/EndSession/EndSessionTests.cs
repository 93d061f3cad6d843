using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.EndSession;

public sealed class EndSessionTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_session_of_a_stolen_phone_ends_at_once()
    {
        var user = await app.CreateUserAsync();
        var stolen = await app.LogInAsync(user, "Stolen phone");
        using var client = app.ClientFor(user);
        using var thief = app.ClientFor(stolen);
        await (await thief.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);

        var body = await (await client.DeleteAsync($"/me/sessions/{stolen.SessionId}", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("message").GetString().ShouldBe("Session ended successfully");
        await (await thief.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = stolen.RefreshToken }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.SecurityEvents.SingleAsync(e => e.UserId == user.Id &&
            e.Kind == SecurityEventKind.SessionEnded))).Device.ShouldBe("Stolen phone");
        await (await client.DeleteAsync($"/me/sessions/{stolen.SessionId}", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "There is no such session");
    }

    [Fact]
    public async Task The_session_of_another_user_is_not_found_and_stays()
    {
        var victim = await app.CreateUserAsync();
        using var client = app.ClientFor(await app.CreateUserAsync());
        await (await client.DeleteAsync($"/me/sessions/{victim.SessionId}", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "There is no such session");
        using var still = app.ClientFor(victim);
        await (await still.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1.5")]
    [InlineData("9223372036854775808")]
    [InlineData("9223372036854775807")]
    public async Task An_invalid_id_is_not_found(string id)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        await (await client.DeleteAsync($"/me/sessions/{id}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
    }
}
