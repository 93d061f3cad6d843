using System.Net;
using System.Net.Http.Json;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Features.RefreshToken;

/// <summary>The lifetime of refresh tokens, by a clock that the test moves.</summary>
[Collection(nameof(MovedClock))]
public sealed class RefreshWindowTests(MovedClockFixture app) : TestBase<MovedClockFixture>
{
    [Theory]
    [InlineData(59, HttpStatusCode.OK)]
    [InlineData(62, HttpStatusCode.Unauthorized)]
    public async Task A_replaced_token_stays_valid_for_a_minute(int seconds, HttpStatusCode expected)
    {
        var user = await app.CreateUserAsync();
        var next = (await (await RefreshAsync(user.RefreshToken)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("refresh_token").GetString()!;
        await LaterAsync(TimeSpan.FromSeconds(seconds), async () =>
        {
            (await RefreshAsync(user.RefreshToken)).StatusCode.ShouldBe(expected);
            // The late token has ended the session.
            (await RefreshAsync(next)).StatusCode.ShouldBe(expected);
        });
    }

    [Fact]
    public async Task A_session_lasts_sixty_days_from_its_last_use()
    {
        var user = await app.CreateUserAsync();
        var token = user.RefreshToken;
        await LaterAsync(TimeSpan.FromDays(59), async () =>
        {
            token = (await (await RefreshAsync(token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("refresh_token").GetString()!;
            await LaterAsync(TimeSpan.FromDays(59), async () =>
            {
                token = (await (await RefreshAsync(token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("refresh_token").GetString()!;
                await LaterAsync(TimeSpan.FromDays(60.1),
                    async () => await (await RefreshAsync(token)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized));
            });
        });
    }

    async Task LaterAsync(TimeSpan by, Func<Task> act)
    {
        app.Clock.Advance(by);
        try
        {
            await act();
        }
        finally
        {
            app.Clock.Advance(-by);
        }
    }

    Task<HttpResponseMessage> RefreshAsync(string token) =>
        app.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = token }, Cancellation);
}
