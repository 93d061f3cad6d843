using System.Net;

namespace Profiles.Tests.Features.ListPasskeys;

public sealed class ListPasskeysTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_callers_passkeys_are_listed_oldest_first()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using SoftAuthenticator phone = new(), key = new();
        await (await phone.RegisterAsync(client, "Phone")).ShouldBeAsync(HttpStatusCode.Created);
        await (await key.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        var body = await (await client.GetAsync("/me/passkeys", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        body.Names().ShouldBe(["passkeys"]);
        body.GetProperty("passkeys").EnumerateArray().Select(p => p.GetProperty("name").GetString()).ShouldBe(["Phone", "Passkey"]);

        using var other = app.ClientFor(await app.CreateUserAsync());
        (await (await other.GetAsync("/me/passkeys", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("passkeys")
            .GetArrayLength().ShouldBe(0);
    }
}
