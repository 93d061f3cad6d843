using System.Net;
using System.Text.Json;

namespace Profiles.Tests.Features.GetMfa;

public sealed class GetMfaTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task It_says_whether_there_is_a_second_factor_and_how_many_recovery_codes_are_left()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var none = await ShownAsync(client);
        none.Names().ShouldBe(["totp_enabled", "confirmed_at", "recovery_codes_left"]);
        (none.GetProperty("totp_enabled").GetBoolean(), none.GetProperty("recovery_codes_left").GetInt32()).ShouldBe((false, 0));
        none.GetProperty("confirmed_at").ValueKind.ShouldBe(JsonValueKind.Null);

        await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await ShownAsync(client)).GetProperty("totp_enabled").GetBoolean().ShouldBeFalse();
        await app.EnrolAsync(user);
        var shown = await ShownAsync(client);
        (shown.GetProperty("totp_enabled").GetBoolean(), shown.GetProperty("recovery_codes_left").GetInt32()).ShouldBe((true, 10));
        shown.GetProperty("confirmed_at").GetDateTimeOffset().ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
    }

    async Task<JsonElement> ShownAsync(HttpClient client) =>
        await (await client.GetAsync("/me/mfa", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
}
