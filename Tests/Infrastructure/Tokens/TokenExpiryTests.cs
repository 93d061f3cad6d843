using System.Net;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>A service whose clock the tests move.</summary>
public sealed class MovedClockFixture : ProfilesFixture;

/// <summary>Runs alone: new tokens have the time of the service that this process started last.</summary>
[CollectionDefinition(nameof(MovedClock), DisableParallelization = true)]
public sealed class MovedClock;

[Collection(nameof(MovedClock))]
public sealed class TokenExpiryTests(MovedClockFixture app) : TestBase<MovedClockFixture>
{
    [Fact]
    public async Task A_token_is_valid_for_its_hour_and_a_minute_of_leeway()
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
