using System.Net;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Settings;

namespace Profiles.Tests.Infrastructure.Passkeys;

/// <summary>Which pages and apps may use the passkeys of a domain.</summary>
[Trait("Database", "Sqlite")]
public sealed class RelyingPartyTests(PasskeyAppsFixture apps) : TestBase<PasskeyAppsFixture>
{
    [Theory]
    [InlineData("https://www.example.com", true)]
    [InlineData("https://example.com:8443", true)]
    // Apps on Apple's systems.
    [InlineData("https://example.com", true)]
    // The hashes of the settings, and of the fingerprints.
    [InlineData("android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", true)]
    [InlineData("android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU", true)]
    [InlineData("android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8", true)]
    // Base64url is case-sensitive.
    [InlineData("android:apk-key-hash:fg3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU", false)]
    [InlineData("android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROV", false)]
    // The service's own address is none of the origins that are named.
    [InlineData("https://api.example.com", false)]
    [InlineData("http://www.example.com", false)]
    [InlineData("https://www.example.com:444", false)]
    [InlineData("https://www.example.com.", false)]
    [InlineData("http://localhost", false)]
    public async Task Origins_are_compared_exactly(string origin, bool isAllowed)
    {
        using var client = apps.ClientFor(await apps.CreateUserAsync());
        using var phone = new SoftAuthenticator { RelyingPartyId = "example.com", Origin = origin };
        var added = await phone.RegisterAsync(client);
        if (!isAllowed)
        {
            await added.ShouldRefuseFieldsAsync("credential");
            return;
        }
        await added.ShouldBeAsync(HttpStatusCode.Created);
        await (await phone.LogInAsync(apps.Client)).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_options_have_the_domain_and_the_name_of_the_settings()
    {
        using var client = apps.ClientFor(await apps.CreateUserAsync());
        (await SoftAuthenticator.OptionsAsync(client, "registration")).GetProperty("rp").GetRawText()
            .ShouldBe("""{"id":"example.com","name":"Example"}""");
        (await SoftAuthenticator.OptionsAsync(apps.Client, "authentication")).GetProperty("rpId").GetString().ShouldBe("example.com");
    }

    [Theory]
    [InlineData("Passkeys__Origins", "https://evilprofiles.example")]
    [InlineData("Passkeys__Origins", "https://profiles.example.evil.example")]
    [InlineData("Passkeys__RelyingPartyId", "rofiles.example")]
    [InlineData("Passkeys__RelyingPartyId", "app.profiles.example")]
    public async Task A_domain_that_is_none_of_the_origins_stops_the_start(string setting, string value)
    {
        var (exitCode, output) = await Refusal.InProcessAsync((setting, value));
        exitCode.ShouldBe(1);
        output.ShouldStartWith("Profiles cannot start: Passkeys__RelyingPartyId must be the host of each of Passkeys__Origins");
    }

    [Theory]
    [InlineData("http://localhost:5173", true)]
    [InlineData("http://localhost", true)]
    [InlineData("https://localhost.evil.example", false)]
    [InlineData("http://evil.example", false)]
    [InlineData("", false)]
    public void Without_an_address_as_in_Development_any_page_of_this_machine_may(string origin, bool isAllowed)
    {
        var party = new RelyingParty(Options.Create(new PasskeysOptions()), Options.Create(new ServiceOptions()));
        (party.Id, party.Allows(origin)).ShouldBe(("localhost", isAllowed));
    }
}
