using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.StartPasskeyRegistration;

public sealed class StartPasskeyRegistrationTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_options_are_those_of_WebAuthn_as_the_platforms_take_them()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var options = await SoftAuthenticator.OptionsAsync(client, "registration");
        options.Names().ShouldBe(["rp", "user", "challenge", "pubKeyCredParams", "timeout", "excludeCredentials", "authenticatorSelection",
            "attestation"]);
        var party = options.GetProperty("rp");
        (party.GetProperty("id").GetString(), party.GetProperty("name").GetString())
            .ShouldBe(("profiles.example", ProfilesFixture.ProductName));
        var shown = options.GetProperty("user");
        shown.Names().ShouldBe(["id", "name", "displayName"]);
        (shown.GetProperty("name").GetString(), shown.GetProperty("displayName").GetString()).ShouldBe((user.Email, user.Name));
        Base64Url.DecodeFromChars(shown.GetProperty("id").GetString()).Length.ShouldBe(Passkey.UserHandleLength);
        Base64Url.DecodeFromChars(options.GetProperty("challenge").GetString()).Length.ShouldBe(32);
        options.GetProperty("pubKeyCredParams").EnumerateArray().Select(p => p.GetProperty("alg").GetInt32()).ShouldBe([-7, -8, -257]);
        options.GetProperty("timeout").GetInt32().ShouldBe(300_000);
        options.GetProperty("excludeCredentials").GetArrayLength().ShouldBe(0);
        options.GetProperty("authenticatorSelection").GetRawText()
            .ShouldBe("""{"residentKey":"required","requireResidentKey":true,"userVerification":"required"}""");
        options.GetProperty("attestation").GetString().ShouldBe("none");
    }

    [Fact]
    public async Task A_second_passkey_has_the_same_user_and_excludes_the_first()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var phone = new SoftAuthenticator();
        await (await phone.RegisterAsync(client)).ShouldBeAsync(HttpStatusCode.Created);
        var options = await SoftAuthenticator.OptionsAsync(client, "registration");
        options.GetProperty("user").GetProperty("id").GetString().ShouldBe(Base64Url.EncodeToString(phone.UserHandle));
        options.GetProperty("excludeCredentials").EnumerateArray().ShouldHaveSingleItem().GetRawText().ShouldBe(
            $$"""{"type":"public-key","id":"{{Base64Url.EncodeToString(phone.CredentialId)}}","transports":["hybrid","internal"]}""");
    }

    [Fact]
    public async Task A_guest_without_address_and_name_has_the_services_name_in_the_authenticator()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(async db =>
        {
            await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(
                u => u.SetProperty(x => x.Email, (string?)null).SetProperty(x => x.NormalizedEmail, (string?)null), Cancellation);
            return await db.UserProfiles.Where(p => p.UserId == user.Id)
                .ExecuteUpdateAsync(p => p.SetProperty(x => x.Name, ""), Cancellation);
        });
        using var client = app.ClientFor(user);
        var shown = (await SoftAuthenticator.OptionsAsync(client, "registration")).GetProperty("user");
        (shown.GetProperty("name").GetString(), shown.GetProperty("displayName").GetString())
            .ShouldBe((ProfilesFixture.ProductName, ProfilesFixture.ProductName));
    }

    [Fact]
    public async Task A_session_has_one_challenge_and_its_newer_one_replaces_it()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var older = await SoftAuthenticator.OptionsAsync(client, "registration");
        for (var i = 0; i < 5; i++)
            await SoftAuthenticator.OptionsAsync(client, "registration");
        (await app.QueryAsync(db => db.Challenges.CountAsync(c => c.UserId == user.Id, Cancellation))).ShouldBe(1);
        using var phone = new SoftAuthenticator();
        await (await client.PostAsJsonAsync(SoftAuthenticator.RegistrationPath, phone.Create(older), Cancellation))
            .ShouldRefuseFieldsAsync("credential");
    }

    [Fact]
    public async Task It_needs_a_session() =>
        await (await app.Client.PostAsync("/passkeys/registration/options", null, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
}
