using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.RemoveTotp;

public sealed class RemoveTotpTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Logins_take_no_code_any_more_and_the_owner_is_told()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var waiting = await app.MfaTokenAsync(enrolled.User);
        using var client = app.ClientFor(enrolled.User);
        var body = await (await client.DeleteAsync("/me/mfa/totp", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("message").GetString().ShouldBe("Second factor removed successfully");
        await app.LogInAsync(enrolled.User);
        (await app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == enrolled.User.Id))).ShouldBe(0);
        (await app.EventsAsync(enrolled.User)).ShouldContain(SecurityEventKind.SecondFactorDisabled);
        await app.MailAsync(enrolled.User.Email, "Your second factor was removed");
        // A login that waited for a code does not go on with those of the removed factor.
        await (await app.SendCodeAsync(waiting, Authenticator.Code(enrolled.Secret, app.Clock.GetUtcNow())))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await (await client.DeleteAsync("/me/mfa/totp", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Conflict))
            .GetProperty("code").GetString().ShouldBe("mfa_not_enabled");
    }
}
