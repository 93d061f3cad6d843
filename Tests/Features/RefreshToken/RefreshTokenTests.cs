using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.RefreshToken;

public sealed class RefreshTokenTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Refusal = "Invalid or expired refresh token";

    [Fact]
    public async Task A_refresh_token_gets_a_new_pair_that_works()
    {
        var user = await app.CreateUserAsync();
        var response = await RefreshAsync(user.RefreshToken);

        var body = await response.ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]);
        body.GetProperty("token_type").GetString().ShouldBe("Bearer");
        body.GetProperty("expires_in").GetInt32().ShouldBe(3600);
        body.GetProperty("refresh_expires_in").GetInt32().ShouldBe(60 * 24 * 3600);
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var next = Next(user, body);
        next.RefreshToken.ShouldNotBe(user.RefreshToken);
        next.SessionId.ShouldBe(user.SessionId);
        await ShouldBeLoggedInAsync(next);
        await (await RefreshAsync(next.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Only_hashes_are_stored()
    {
        var user = await app.CreateUserAsync();
        var next = Next(user, await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK));
        var session = await SessionOfAsync(user);
        var kept = new[] { session!.FamilyHash, session.TokenHash, session.PreviousHash!, session.Successor! };
        string[] tokens = [user.RefreshToken, next.RefreshToken];
        foreach (var secret in tokens.Select(t => Convert.FromBase64String(t.Replace('-', '+').Replace('_', '/'))))
        {
            foreach (var column in kept)
            {
                column.AsSpan().IndexOf(secret.AsSpan(0, 16)).ShouldBe(-1);
                column.AsSpan().IndexOf(secret.AsSpan(16)).ShouldBe(-1);
            }
        }
        kept.ShouldAllBe(c => c.Length == Session.HashLength);
    }

    [Fact]
    public async Task A_lost_reply_is_given_again()
    {
        var user = await app.CreateUserAsync();
        var lost = await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
        var again = await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
        again.GetProperty("refresh_token").GetString().ShouldBe(lost.GetProperty("refresh_token").GetString());
        await ShouldBeLoggedInAsync(Next(user, again));
        await (await RefreshAsync(Next(user, again).RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Fifty_simultaneous_refreshes_with_one_token_all_get_a_working_pair_for_one_session()
    {
        var user = await app.CreateUserAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => RefreshAsync(user.RefreshToken)));
        var pairs = new List<TestUser>();
        foreach (var answer in answers)
            pairs.Add(Next(user, await answer.ShouldBeAsync(HttpStatusCode.OK)));
        pairs.Select(p => p.RefreshToken).Distinct().ShouldHaveSingleItem();
        foreach (var pair in pairs)
            await ShouldBeLoggedInAsync(pair);
        await (await RefreshAsync(pairs[0].RefreshToken)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Sessions.CountAsync(s => s.UserId == user.Id))).ShouldBe(1);
    }

    [Fact]
    public async Task A_token_reused_after_its_successor_ends_the_session()
    {
        var user = await app.CreateUserAsync();
        var other = await app.LogInAsync(user, "Another phone");
        var second = Next(user, await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK));
        var third = Next(second, await (await RefreshAsync(second.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK));

        await (await RefreshAsync(user.RefreshToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await RefreshAsync(third.RefreshToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await ShouldBeLoggedOutAsync(third);
        // Other sessions stay.
        await ShouldBeLoggedInAsync(other);
        (await SessionOfAsync(user)).ShouldBeNull();
        (await EventsAsync(user)).Count(e => e == SecurityEventKind.RefreshTokenReused).ShouldBe(1);
    }

    [Fact]
    public async Task A_much_older_token_of_the_session_is_recognised()
    {
        var user = await app.CreateUserAsync();
        var latest = user;
        for (var i = 0; i < 10; i++)
            latest = Next(latest, await (await RefreshAsync(latest.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK));
        await (await RefreshAsync(user.RefreshToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await ShouldBeLoggedOutAsync(latest);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901234")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012 4")]
    [InlineData("1234567890123456789012345678901234567890123456789012345678901+/4")]
    [InlineData("☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕☕")]
    public async Task An_invalid_refresh_token_is_refused_and_ends_nothing(string token)
    {
        var user = await app.CreateUserAsync();
        await (await RefreshAsync(token)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        // Neither is an access token, nor a refresh token with spaces around it.
        await (await RefreshAsync(user.Token)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await RefreshAsync($" {user.RefreshToken}")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await (await RefreshAsync(user.RefreshToken + "=")).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
        await ShouldBeLoggedInAsync(user);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"refresh_token":null}""")]
    [InlineData("""{"refresh_token":""}""")]
    [InlineData("""{"refresh_token":1}""")]
    [InlineData("""{"refresh_token":"a","refresh_token":"b"}""")]
    public async Task A_request_without_a_token_is_refused(string json) =>
        await (await app.Client.PostAsync("/token/refresh", new StringContent(json, Encoding.UTF8, "application/json"), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);

    [Fact]
    public async Task An_ended_session_cannot_be_refreshed()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await (await client.PostAsync("/logout", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await RefreshAsync(user.RefreshToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized, Refusal);
    }

    [Fact]
    public async Task A_client_whose_replies_are_dropped_is_never_logged_out()
    {
        // Every third answer is lost after the service has sent it: the client only sees that none arrived.
        var user = await app.CreateUserAsync();
        var token = user.RefreshToken;
        var lost = 0;
        for (var i = 0; i < 300; i++)
        {
            var response = await RefreshAsync(token);
            var body = await response.ShouldBeAsync(HttpStatusCode.OK);
            if (i % 3 == 0)
                lost++;
            else
                token = body.GetProperty("refresh_token").GetString()!;
        }
        lost.ShouldBe(100);
        await (await RefreshAsync(token)).ShouldBeAsync(HttpStatusCode.OK);
        (await EventsAsync(user)).ShouldNotContain(SecurityEventKind.RefreshTokenReused);
    }

    Task<HttpResponseMessage> RefreshAsync(string token) =>
        app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = token }, Cancellation);

    static TestUser Next(TestUser user, JsonElement body) =>
        user with { Token = body.GetProperty("access_token").GetString()!, RefreshToken = body.GetProperty("refresh_token").GetString()! };

    async Task ShouldBeLoggedInAsync(TestUser user)
    {
        using var client = app.ClientFor(user);
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("id").GetInt64().ShouldBe(user.Id);
    }

    async Task ShouldBeLoggedOutAsync(TestUser user)
    {
        using var client = app.ClientFor(user);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    Task<Session?> SessionOfAsync(TestUser user) => app.QueryAsync(db => db.Sessions.SingleOrDefaultAsync(s => s.Id == user.SessionId));

    Task<List<SecurityEventKind>> EventsAsync(TestUser user) =>
        app.QueryAsync(db => db.SecurityEvents.Where(e => e.UserId == user.Id).Select(e => e.Kind).ToListAsync());
}
