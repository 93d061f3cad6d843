using System.Net;
using Profiles.Tests.Infrastructure.Passkeys;

namespace Profiles.Tests.Features.GetAppleAppSite;

[Trait("Database", "Sqlite")]
public sealed class GetAppleAppSiteTests(ProfilesFixture app, PasskeyAppsFixture apps)
    : TestBase<ProfilesFixture>, IClassFixture<PasskeyAppsFixture>
{
    const string Path = "/.well-known/apple-app-site-association";

    [Fact]
    public async Task It_names_the_apps_of_the_settings()
    {
        var response = await apps.Client.GetAsync(Path, Cancellation);
        (await response.ShouldBeAsync(HttpStatusCode.OK)).GetRawText()
            .ShouldBe("""{"webcredentials":{"apps":["ABCDE12345.com.example.app","ABCDE12345.com.example.beta"]}}""");
        // It has no extension, and Apple takes no other type.
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        response.Headers.CacheControl!.ToString().ShouldBe("public, max-age=3600");
    }

    [Fact]
    public async Task Without_apps_there_is_none() =>
        await (await app.Client.GetAsync(Path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
}
