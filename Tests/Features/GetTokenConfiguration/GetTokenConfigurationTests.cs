using System.Buffers.Text;
using System.Net;
using System.Text.Json;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Features.GetTokenConfiguration;

public sealed class GetTokenConfigurationTests(ProfilesFixture app, SecretFixture secret)
    : TestBase<ProfilesFixture>, IClassFixture<SecretFixture>
{
    [Fact]
    public async Task What_it_says_is_true()
    {
        var response = await app.Client.GetAsync("/.well-known/openid-configuration", Cancellation);
        var said = await response.ShouldBeAsync(HttpStatusCode.OK);
        response.Headers.CacheControl!.ToString().ShouldBe("public, max-age=600");
        said.Names().ShouldBe(
        [
            "issuer", "jwks_uri", "introspection_endpoint", "introspection_endpoint_auth_methods_supported", "response_types_supported",
            "subject_types_supported", "id_token_signing_alg_values_supported",
        ]);
        var parts = (await app.CreateUserAsync()).Token.Split('.');
        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
        said.GetProperty("issuer").GetString().ShouldBe(claims.RootElement.GetProperty("iss").GetString());
        said.GetProperty("id_token_signing_alg_values_supported").EnumerateArray().Select(a => a.GetString())
            .ShouldBe([header.RootElement.GetProperty("alg").GetString()]);
        var keys = new Uri(said.GetProperty("jwks_uri").GetString()!);
        keys.GetLeftPart(UriPartial.Authority).ShouldBe(ProfilesFixture.BaseUrl);
        await (await app.Client.GetAsync(keys.AbsolutePath, Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        var introspection = new Uri(said.GetProperty("introspection_endpoint").GetString()!).AbsolutePath;
        (await app.Client.PostAsync(introspection, new FormUrlEncodedContent([]), Cancellation)).StatusCode
            .ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task With_a_secret_from_the_settings_it_names_that_algorithm() =>
        (await (await secret.Client.GetAsync("/.well-known/openid-configuration", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("id_token_signing_alg_values_supported")[0].GetString().ShouldBe("HS256");
}
