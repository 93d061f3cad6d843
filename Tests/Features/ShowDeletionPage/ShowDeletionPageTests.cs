using System.Net;
using FastEndpoints.Testing;

namespace Profiles.Tests.Features.ShowDeletionPage;

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
}
