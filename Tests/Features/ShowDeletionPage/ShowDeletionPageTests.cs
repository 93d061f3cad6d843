using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Profiles.Tests.Features.ShowDeletionPage;

[Trait("Database", "Sqlite")]
public sealed class ShowDeletionPageTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_page_is_public_needs_no_script_and_loads_nothing()
    {
        var response = await app.Client.GetAsync("/account/deletion", Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/html; charset=utf-8");
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("form-action 'self'");
        policy.ShouldContain("frame-ancestors 'none'");
        policy.ShouldNotContain("unsafe");
        var html = await response.Content.ReadAsStringAsync(Cancellation);
        html.ShouldContain("<form method=\"post\" action=\"/account/deletion\">");
        html.ShouldNotContain("<script", Case.Insensitive);
        html.ShouldNotContain("://");
    }

    [Fact]
    public async Task The_page_names_the_product_and_its_policy_allows_exactly_its_style()
    {
        ProfilesFixture.ProductName.ShouldBe("Blitz & <Söhne>");
        var response = await app.Client.GetAsync("/account/deletion", Cancellation);
        var html = await response.Content.ReadAsStringAsync(Cancellation);
        html.ShouldContain("<header>Blitz &amp; &lt;S&#xF6;hne&gt;</header>");
        html.ShouldContain("<title>Delete my account - Blitz &amp; &lt;S&#xF6;hne&gt;</title>");
        var style = html[(html.IndexOf("<style>") + 7)..html.IndexOf("</style>")];
        style.ShouldContain("prefers-color-scheme:dark");
        response.Headers.GetValues("Content-Security-Policy").Single()
            .ShouldContain($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}'");
    }
}
