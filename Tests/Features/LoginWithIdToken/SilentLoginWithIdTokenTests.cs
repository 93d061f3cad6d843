using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Features.LoginWithIdToken;

/// <summary>Where no answer tells which addresses have an account.</summary>
public sealed class SilentIdentitiesFixture : IdentitiesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Accounts:RequireVerifiedEmail", "true");
    }
}

public sealed class SilentLoginWithIdTokenTests(SilentIdentitiesFixture app) : TestBase<SilentIdentitiesFixture>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_address_that_somebody_may_have_made_up_does_not_tell_whether_it_is_taken(bool isGuest)
    {
        var email = $"{Guid.NewGuid():N}@example.com";
        await app.QueryAsync(async db =>
        {
            db.Users.Add(new()
            {
                Email = email,
                NormalizedEmail = email,
                EmailVerifiedAt = DateTime.UnixEpoch,
                Profile = new() { Name = "Jane" },
            });
            return await db.SaveChangesAsync(Cancellation);
        });
        foreach (var address in new[] { email, $"{Guid.NewGuid():N}@example.com" })
        {
            var token = app.TokenOf("elsewhere", null, ("email", address), ("email_verified", true));
            using var client = isGuest ? app.ClientFor(await app.CreateGuestAsync()) : app.CreateClient();
            var answer = await client.PostAsJsonAsync(
                "/login/id-token",
                new { provider = token.Provider, id_token = token.Token, nonce = token.Nonce, from_guest = isGuest }, Cancellation);
            await answer.ShouldBeAsync(HttpStatusCode.OK);
        }
    }
}
