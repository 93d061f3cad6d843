using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Profiles.Data;

namespace Profiles.Tests.Features.RenamePasskey;

public sealed class RenamePasskeyTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task A_passkey_is_renamed_by_its_owner()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var other = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        var id = (await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64();
        var address = $"/me/passkeys/{id}";
        var renamed = await (await client.PatchAsJsonAsync(address, new { name = " Work ☕ " }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (renamed.GetProperty("id").GetInt64(), renamed.GetProperty("name").GetString()).ShouldBe((id, "Work ☕"));
        var patch = JsonContent.Create(new { name = "Home" }, new MediaTypeHeaderValue("application/merge-patch+json"));
        (await (await client.PatchAsync(address, patch, Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString()
            .ShouldBe("Home");

        var stranger = await (await other.PatchAsJsonAsync(address, new { name = "Mine" }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound);
        stranger.GetProperty("code").GetString().ShouldBe("passkey_not_found");
        foreach (var name in new[] { null, "", " ", "a\0b", "a\u202Eb", new string('x', Passkey.NameMaxLength + 1) })
            await (await client.PatchAsJsonAsync(address, new { name }, Cancellation)).ShouldRefuseFieldsAsync("name");
        (await (await client.GetAsync("/me/passkeys", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("passkeys")[0]
            .GetProperty("name").GetString().ShouldBe("Home");
    }
}
