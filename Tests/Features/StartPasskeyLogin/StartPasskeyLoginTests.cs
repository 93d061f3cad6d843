using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.StartPasskeyLogin;

public sealed class StartPasskeyLoginTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_options_say_nothing_of_anybody_and_the_challenge_is_stored_as_a_hash()
    {
        var options = await SoftAuthenticator.OptionsAsync(app.Client, "authentication");
        options.Names().ShouldBe(["challenge", "timeout", "rpId", "userVerification"]);
        (options.GetProperty("timeout").GetInt32(), options.GetProperty("rpId").GetString(),
            options.GetProperty("userVerification").GetString()).ShouldBe((300_000, "profiles.example", "required"));
        var challenge = Base64Url.DecodeFromChars(options.GetProperty("challenge").GetString());
        challenge.Length.ShouldBe(32);
        var hash = SHA256.HashData(challenge);
        var stored = await app.QueryAsync(db => db.Challenges.AsNoTracking().SingleAsync(c => c.Hash == hash, Cancellation));
        (stored.Kind, stored.UserId, stored.SessionId).ShouldBe((ChallengeKind.PasskeyLogin, null, null));
        (stored.ExpiresAt - app.Clock.GetUtcNow().UtcDateTime).ShouldBe(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1));
    }
}
