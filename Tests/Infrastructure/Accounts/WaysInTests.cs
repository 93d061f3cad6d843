using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Profiles.Tests.Features.LoginWithCode;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Infrastructure.Accounts;

/// <summary>A service with a mail server, which nobody can reach: all tests verify addresses themselves.</summary>
public sealed class UnreachableMailFixture : IdentitiesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Mail:Host", "127.0.0.1");
        a.UseSetting("Mail:Port", $"{FreePort.Take()}");
        a.UseSetting("Mail:From", "no-reply@example.com");
        a.UseSetting("Mail:Tls", "None");
    }
}

/// <summary>Where mails are sent, an account gets no way in while its address may be a stranger's.</summary>
public sealed class WaysInTests(UnreachableMailFixture app) : TestBase<UnreachableMailFixture>
{
    [Fact]
    public async Task An_unverified_address_gets_no_way_in_and_no_second_factor_until_it_is_verified()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        using var phone = new SoftAuthenticator();
        // Both begin while the address is verified.
        await app.VerifyAsync(user);
        var passkey = phone.Create(await SoftAuthenticator.OptionsAsync(client, "registration"));
        var secret = (await (await client.PostAsync("/me/mfa/totp", null, Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("secret").GetString()!;
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.EmailVerifiedAt, (DateTime?)null), Cancellation));
        foreach (var answer in new[]
        {
            await app.LinkAsync(user, app.TokenOf("google")),
            await client.PostAsync("/passkeys/registration/options", null, Cancellation),
            await client.PostAsJsonAsync(SoftAuthenticator.RegistrationPath, passkey, Cancellation),
            await client.PostAsync("/me/mfa/totp", null, Cancellation),
            await client.PostAsJsonAsync(
                "/me/mfa/totp/confirm", new { code = Authenticator.Code(secret, app.Clock.GetUtcNow()) }, Cancellation),
        })
            (await answer.ShouldBeProblemAsync(HttpStatusCode.Conflict)).GetProperty("code").GetString().ShouldBe("email_unverified");
        (await app.QueryAsync(async db => await db.Identities.CountAsync(i => i.UserId == user.Id)
            + await db.Passkeys.CountAsync(p => p.UserId == user.Id)
            + await db.SecondFactors.CountAsync(f => f.UserId == user.Id && f.ConfirmedAt != null))).ShouldBe(0);
        // Its login is not asked for a code.
        await app.LogInAsync(user);

        await app.VerifyAsync(user);
        await (await app.LinkAsync(user, app.TokenOf("google"))).ShouldBeAsync(HttpStatusCode.Created);
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        await app.EnrolAsync(user);
    }

    [Fact]
    public async Task An_account_without_an_address_gets_ways_in()
    {
        var guest = await app.CreateGuestAsync();
        using var client = app.ClientFor(guest);
        using var phone = new SoftAuthenticator();
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        await (await app.LinkAsync(guest, app.TokenOf("google"))).ShouldBeAsync(HttpStatusCode.Created);
        await app.EnrolAsync(guest);
    }
}
