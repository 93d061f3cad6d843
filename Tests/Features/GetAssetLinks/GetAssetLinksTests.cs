using System.Net;
using Profiles.Tests.Infrastructure.Passkeys;

namespace Profiles.Tests.Features.GetAssetLinks;

[Trait("Database", "Sqlite")]
public sealed class GetAssetLinksTests(ProfilesFixture app, PasskeyAppsFixture apps)
    : TestBase<ProfilesFixture>, IClassFixture<PasskeyAppsFixture>
{
    const string Path = "/.well-known/assetlinks.json";

    [Fact]
    public async Task It_names_the_Android_apps_of_the_settings()
    {
        var response = await apps.Client.GetAsync(Path, Cancellation);
        (await response.ShouldBeAsync(HttpStatusCode.OK)).GetRawText().ShouldBe(
            $$$"""
            [{"relation":["delegate_permission/common.get_login_creds"],
            "target":{"namespace":"android_app","package_name":"com.example.app",
            "sha256_cert_fingerprints":["{{{PasskeyAppsFixture.Fingerprint}}}"]}},
            {"relation":["delegate_permission/common.get_login_creds"],
            "target":{"namespace":"android_app","package_name":"com.example.beta",
            "sha256_cert_fingerprints":["{{{PasskeyAppsFixture.Fingerprint}}}","{{{PasskeyAppsFixture.OtherFingerprint}}}"]}}]
            """.ReplaceLineEndings(""));
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        response.Headers.CacheControl!.ToString().ShouldBe("public, max-age=3600");
    }

    [Fact]
    public async Task Without_apps_there_is_none() =>
        await (await app.Client.GetAsync(Path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
}
