using System.Net;
using System.Net.Http.Json;
using Profiles.Data;

namespace Profiles.Tests.Features.RenewRecoveryCodes;

public sealed class RenewRecoveryCodesTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task New_codes_replace_the_old_ones()
    {
        var enrolled = await app.CreateEnrolledAsync();
        using var client = app.ClientFor(enrolled.User);
        var renewed = await (await client.PostAsync("/me/mfa/recovery-codes", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var codes = renewed.GetProperty("recovery_codes").EnumerateArray().Select(c => c.GetString()!).ToArray();
        codes.Length.ShouldBe(10);
        codes.Intersect(enrolled.RecoveryCodes).ShouldBeEmpty();
        var token = await app.MfaTokenAsync(enrolled.User);
        await (await SendAsync(token, enrolled.RecoveryCodes[0])).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        await (await SendAsync(token, codes[0])).ShouldBeAsync(HttpStatusCode.OK);
        (await app.EventsAsync(enrolled.User)).ShouldContain(SecurityEventKind.RecoveryCodesRenewed);
    }

    [Fact]
    public async Task Without_a_second_factor_there_are_none()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        (await (await client.PostAsync("/me/mfa/recovery-codes", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("mfa_not_enabled");
    }

    Task<HttpResponseMessage> SendAsync(string token, string code) =>
        app.Client.PostAsJsonAsync("/login/mfa", new { mfa_token = token, recovery_code = code }, Cancellation);
}
