using System.Net;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>A service whose clock is moved.</summary>
public sealed class MovedClockFixture : ProfilesFixture;

/// <summary>Runs by itself: new tokens are dated by the clock of whichever service in this process was started last.</summary>
[CollectionDefinition(nameof(MovedClock), DisableParallelization = true)]
public sealed class MovedClock;

[Collection(nameof(MovedClock))]
public sealed class TokenExpiryTests(MovedClockFixture app) : TestBase<MovedClockFixture>
{
    [Fact]
    public async Task A_token_is_honoured_for_its_hour_and_a_minute_and_then_no_more()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var steps = new (TimeSpan By, HttpStatusCode Expected)[]
        {
            (TimeSpan.FromMinutes(59), HttpStatusCode.OK),
            (TimeSpan.FromSeconds(90), HttpStatusCode.OK),
            (TimeSpan.FromSeconds(32), HttpStatusCode.Unauthorized),
            (TimeSpan.FromDays(365), HttpStatusCode.Unauthorized),
        };
        var moved = TimeSpan.Zero;
        try
        {
            foreach (var (by, expected) in steps)
            {
                app.Clock.Advance(by);
                moved += by;
                (await client.GetAsync("/me", Cancellation)).StatusCode.ShouldBe(expected, $"after {moved}");
            }
        }
        finally
        {
            app.Clock.Advance(-moved);
        }
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }
}
