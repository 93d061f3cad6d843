using System.Net;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Tests.Infrastructure.Tokens;

namespace Profiles.Tests.Features.GetSigningKeys;

public sealed class GetSigningKeysTests(ProfilesFixture app, SecretFixture secret) : TestBase<ProfilesFixture>, IClassFixture<SecretFixture>
{
    const string Path = "/.well-known/jwks.json";

    [Fact]
    public async Task It_has_the_public_half_of_every_key_and_nothing_else()
    {
        var response = await app.Client.GetAsync(Path, Cancellation);
        var keys = (await response.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("keys").EnumerateArray().ToArray();
        var ring = await app.RingAsync();
        ring.Count.ShouldBeGreaterThanOrEqualTo(2, "The next key is there before it signs.");
        keys.Select(k => k.GetProperty("kid").GetString()).ShouldBe(ring.Select(k => k.Id));
        foreach (var key in keys)
        {
            key.Names().ShouldBe(["kty", "crv", "x", "y", "kid", "use", "alg"]);
            key.GetProperty("kid").GetString()!.Length.ShouldBe(43);
            (key.GetProperty("kty").GetString(), key.GetProperty("crv").GetString(), key.GetProperty("alg").GetString())
                .ShouldBe(("EC", "P-256", "ES256"));
        }
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        ring.ShouldAllBe(k => !text.Contains(k.Value));
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
    }

    [Fact]
    public async Task The_library_of_NET_verifies_a_token_with_it()
    {
        var user = await app.CreateUserAsync();
        var keys = new JsonWebKeySet(await app.Client.GetStringAsync(Path, Cancellation));
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(user.Token, new()
        {
            IssuerSigningKeys = keys.GetSigningKeys(),
            ValidIssuer = "profiles",
            ValidAudience = "profiles",
            ValidTypes = ["at+jwt"],
            ValidAlgorithms = ["ES256"],
        });
        result.IsValid.ShouldBeTrue(result.Exception?.Message);
        result.ClaimsIdentity.Claims.Single(c => c.Type == "sub").Value.ShouldBe($"{user.Id}");
    }

    [Fact]
    public async Task It_can_be_cached_and_asked_for_again_without_a_body()
    {
        var response = await app.Client.GetAsync(Path, Cancellation);
        response.Headers.CacheControl!.ToString().ShouldBe("public, max-age=600");
        var tag = response.Headers.ETag!;
        tag.IsWeak.ShouldBeFalse();
        using var again = new HttpRequestMessage(HttpMethod.Get, Path) { Headers = { IfNoneMatch = { tag } } };
        var unchanged = await app.Client.SendAsync(again, Cancellation);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await unchanged.Content.ReadAsByteArrayAsync(Cancellation)).ShouldBeEmpty();
        unchanged.Headers.ETag.ShouldBe(tag);
        var head = await app.Client.SendAsync(new(HttpMethod.Head, Path), Cancellation);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Headers.ETag.ShouldBe(tag);
    }

    [Fact]
    public async Task A_secret_from_the_settings_is_never_shown_and_makes_no_ring()
    {
        (await secret.Client.GetStringAsync(Path, Cancellation)).ShouldBe("""{"keys":[]}""");
        File.Exists(System.IO.Path.Combine(secret.Root, "data", "signing-keys.json")).ShouldBeFalse();
        var (exitCode, _, error) = await secret.RunAsync("keys", "list");
        (exitCode, error.Contains("Jwt__SigningKey is set")).ShouldBe((1, true));
    }
}
