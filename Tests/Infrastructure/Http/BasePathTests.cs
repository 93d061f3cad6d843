using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>A service below a path of a proxy whose host name has letters beyond ASCII.</summary>
public sealed class BasePathFixture : ProfilesFixture
{
    public new const string BaseUrl = "https://b\u00FCcher.example/profiles";

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("PublicBaseUrl", $"{BaseUrl}/");
    }
}

/// <summary>Links stay below the proxy's path, whether the proxy strips the path or passes it on.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class BasePathTests(BasePathFixture app) : TestBase<BasePathFixture>
{
    public static TheoryData<string> Prefixes => ["", "/profiles"];

    [Theory]
    [MemberData(nameof(Prefixes))]
    public async Task Every_address_in_an_answer_is_below_the_path(string prefix)
    {
        using var client = app.CreateClient(new() { AllowAutoRedirect = false });
        (await client.GetAsync($"{prefix}/", Cancellation)).Headers.Location!.OriginalString.ShouldBe("/profiles/swagger");
        var registration = new { name = "John", email = $"{Guid.NewGuid():N}@example.com", password = "plum-tram-94" };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{prefix}/register")
        {
            Content = JsonContent.Create(registration),
            Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } }
        };
        (await client.SendAsync(request, Cancellation)).Headers.Location!.OriginalString.ShouldBe("/profiles/me");

        (await client.GetStringAsync($"{prefix}/account/deletion", Cancellation))
            .ShouldContain("<form method=\"post\" action=\"/profiles/account/deletion\">");
        // A relative redirect to the explorer's page.
        (await client.GetAsync($"{prefix}/swagger", Cancellation)).Headers.Location!.OriginalString.ShouldBe("swagger/index.html");
        var page = await client.GetStringAsync($"{prefix}/swagger/index.html", Cancellation);
        page.ShouldContain("../openapi/v1.json");
        var document = await (await client.GetAsync($"{prefix}/openapi/v1.json", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        document.GetProperty("servers")[0].GetProperty("url").GetString().ShouldBe("/profiles");

        using var user = app.ClientFor(await app.CreateUserAsync());
        var url = (await (await user.UploadAsync(TestImage.Bytes("upright.jpg"), Cancellation, path: $"{prefix}/me/upload-image"))
            .ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()!;
        url.ShouldStartWith($"{BasePathFixture.BaseUrl}/static/profile/");
        (await client.GetAsync(prefix + url[BasePathFixture.BaseUrl.Length..], Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Prefixes))]
    public async Task The_deletion_page_s_own_form_is_accepted_and_one_from_another_origin_is_refused(string prefix)
    {
        var user = await app.CreateUserAsync();
        foreach (var (origin, status) in new[] { ("https://evil.example", HttpStatusCode.Forbidden),
            ("https://xn--bcher-kva.example", HttpStatusCode.OK) })
        {
            var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = user.Email, ["password"] = user.Password });
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{prefix}/account/deletion")
            {
                Content = form,
                Headers = { { "Origin", origin } }
            };
            (await app.Client.SendAsync(request, Cancellation)).StatusCode.ShouldBe(status, origin);
        }
    }

    [Fact]
    public async Task A_path_that_only_begins_alike_is_404() =>
        await (await app.Client.GetAsync("/profilesx/upload-policy", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
}
