using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>Which tokens of the key ring are accepted (ES256).</summary>
public sealed class SignedTokenTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    // The order of the curve P-256.
    static readonly BigInteger Order = BigInteger.Parse(
        "115792089210356248762697446949407573529996955224135760342422259061068512044369", CultureInfo.InvariantCulture);

    [Fact]
    public async Task The_header_names_the_current_key_by_its_thumbprint()
    {
        var user = await app.CreateUserAsync();
        var current = (await app.RingAsync()).Single(k => k.IsCurrent);
        Encoding.UTF8.GetString(Base64Url.DecodeFromChars(user.Token.Split('.')[0])).ShouldBe(RingForgery.Header(current.Id));
        await ShouldBeAsync(user.Token, HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_test_s_own_token_with_a_key_of_the_ring_is_accepted_and_one_with_another_key_is_not()
    {
        // Shows that the refusals below have the reason that each test names. The next key is known before it signs.
        var user = await app.CreateUserAsync();
        foreach (var key in await app.RingAsync())
        {
            await ShouldBeAsync(RingForgery.Sign(key.Private(), RingForgery.Header(key.Id), Fresh(user)), HttpStatusCode.OK);
            using var strange = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            await ShouldBeAsync(RingForgery.Sign(strange, RingForgery.Header(key.Id), Fresh(user)), HttpStatusCode.Unauthorized);
        }
        var (one, two) = ((await app.RingAsync())[0], (await app.RingAsync())[1]);
        await ShouldBeAsync(RingForgery.Sign(one.Private(), RingForgery.Header(two.Id), Fresh(user)), HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_key_that_the_ring_does_not_have_is_refused_also_when_the_token_brings_it()
    {
        var user = await app.CreateUserAsync();
        var strange = KeyPair.Generate();
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(Base64Url.DecodeFromChars(strange), out _);
        var pair = new KeyPair(strange);
        var jwk = $$"""{"kty":"EC","crv":"P-256","x":"{{pair.X}}","y":"{{pair.Y}}"}""";
        foreach (var header in new[]
        {
            RingForgery.Header(pair.Id),
            RingForgery.Header(pair.Id).Replace("}", $",\"jwk\":{jwk}}}"),
            RingForgery.Header((await app.RingAsync())[0].Id).Replace("}", $",\"jwk\":{jwk}}}"),
        })
            await ShouldBeAsync(RingForgery.Sign(key, header, Fresh(user)), HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("""{"alg":"none","kid":"{0}","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"HS256","kid":"{0}","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES384","kid":"{0}","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"es256","kid":"{0}","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}"}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}","typ":"JWT"}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}","typ":"application/at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}","typ":"at+jwt","crit":["x"],"x":1}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}","typ":"at+jwt","jku":"http://127.0.0.1:1/keys"}""")]
    [InlineData("""{"kid":"{0}","alg":"ES256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":["{0}"],"typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"{0}","kid":"{0}","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"../../dev/null","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"ES256","kid":"x' OR 1=1--","typ":"at+jwt"}""")]
    [InlineData(""" {"alg":"ES256","kid":"{0}","typ":"at+jwt"}""")]
    public async Task Any_other_header_is_refused(string header)
    {
        var user = await app.CreateUserAsync();
        var key = (await app.RingAsync()).Single(k => k.IsCurrent);
        var token = RingForgery.Sign(key.Private(), header.Replace("{0}", key.Id), Fresh(user));
        await ShouldBeAsync(token, HttpStatusCode.Unauthorized);
        await ShouldBeAsync(token[..(token.LastIndexOf('.') + 1)], HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task The_public_key_is_no_secret_to_sign_with()
    {
        var user = await app.CreateUserAsync();
        var key = (await app.RingAsync()).Single(k => k.IsCurrent);
        using var pair = key.Private();
        var published = await app.Client.GetByteArrayAsync("/.well-known/jwks.json", Cancellation);
        var parsed = new KeyPair(key.Value);
        foreach (var secret in new[]
        {
            published, pair.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(pair.ExportSubjectPublicKeyInfoPem()),
            Encoding.ASCII.GetBytes(pair.ExportSubjectPublicKeyInfoPem() + "\n"), Encoding.ASCII.GetBytes(parsed.X + parsed.Y),
            [.. Base64Url.DecodeFromChars(parsed.X), .. Base64Url.DecodeFromChars(parsed.Y)], Encoding.ASCII.GetBytes(key.Id), [],
        })
        {
            foreach (var header in new[]
            {
                """{"alg":"HS256","typ":"JWT"}""", RingForgery.Header(key.Id), RingForgery.Header(key.Id).Replace("ES256", "HS256"),
                """{"alg":"HS256","typ":"at+jwt"}""",
            })
            {
                var text = $"{RingForgery.Encode(header)}.{RingForgery.Encode(Fresh(user))}";
                var mac = HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(text));
                await ShouldBeAsync($"{text}.{Base64Url.EncodeToString(mac)}", HttpStatusCode.Unauthorized);
                await ShouldBeAsync($"{text}.{Base64Url.EncodeToString([.. mac, .. mac])}", HttpStatusCode.Unauthorized);
            }
        }
    }

    [Fact]
    public async Task Every_character_of_a_token_counts()
    {
        var token = (await app.CreateUserAsync()).Token;
        for (var at = 0; at < token.Length; at++)
        {
            var next = Alphabet[(Alphabet.IndexOf(token[at]) + 1) % Alphabet.Length];
            await ShouldBeAsync($"{token[..at]}{next}{token[(at + 1)..]}", HttpStatusCode.Unauthorized);
        }
    }

    [Fact]
    public async Task A_signature_has_one_form_and_one_spelling()
    {
        var user = await app.CreateUserAsync();
        var key = (await app.RingAsync()).Single(k => k.IsCurrent);
        var header = RingForgery.Header(key.Id);
        await ShouldBeAsync(
            RingForgery.Sign(key.Private(), header, Fresh(user), DSASignatureFormat.Rfc3279DerSequence), HttpStatusCode.Unauthorized);
        var (text, last) = (user.Token[..(user.Token.LastIndexOf('.') + 1)], Alphabet.IndexOf(user.Token[^1]));
        // 64 bytes are 85 characters and two bits; the last four bits must be zero.
        (last % 16).ShouldBe(0);
        for (var spare = 1; spare < 16; spare++)
            await ShouldBeAsync(user.Token[..^1] + Alphabet[last + spare], HttpStatusCode.Unauthorized);
        var signature = user.Token[text.Length..];
        foreach (var other in new[]
        {
            "", signature[..^1], signature[..43], signature + "A", signature + "==", signature + signature, signature.Insert(40, " "),
            new string('A', 86), $"{new string('_', 85)}w", $"{signature[..43]}{new string('A', 43)}",
        })
            await ShouldBeAsync(text + other, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task The_other_signature_of_the_same_claims_is_valid_and_ends_with_the_session()
    {
        // Anybody can turn the signature (r, s) into (r, n - s); a token of either form says the same, and nothing counts tokens.
        var user = await app.CreateUserAsync();
        var (text, signature) = (user.Token[..(user.Token.LastIndexOf('.') + 1)], Base64Url.DecodeFromChars(user.Token.Split('.')[2]));
        var other = (Order - new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true)).ToByteArray(true, true);
        var twin = text + Base64Url.EncodeToString([.. signature[..32], .. new byte[32 - other.Length], .. other]);
        twin.ShouldNotBe(user.Token);
        foreach (var token in new[] { user.Token, twin })
            await ShouldBeAsync(token, HttpStatusCode.OK);
        await app.QueryAsync(db => db.Sessions.Where(s => s.Id == user.SessionId).ExecuteDeleteAsync());
        foreach (var token in new[] { user.Token, twin })
            await ShouldBeAsync(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_remembered_token_is_refused_at_once_when_its_session_ends_or_its_user_is_disabled()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        foreach (var user in new[] { one, two, one, two })
            await ShouldBeAsync(user.Token, HttpStatusCode.OK);
        Remembers(one.Token).ShouldBeTrue();
        (await app.ClientFor(one).PostAsync("/logout", null, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == two.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, app.Clock.GetUtcNow().UtcDateTime)));
        foreach (var user in new[] { one, two })
            await ShouldBeAsync(user.Token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Only_whole_valid_tokens_are_remembered()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        await ShouldBeAsync(one.Token, HttpStatusCode.OK);
        // The remembered signature with other claims, and the remembered claims with another signature.
        var (a, b) = (one.Token.Split('.'), two.Token.Split('.'));
        foreach (var token in new[] { $"{a[0]}.{b[1]}.{a[2]}", $"{a[0]}.{a[1]}.{b[2]}" })
        {
            await ShouldBeAsync(token, HttpStatusCode.Unauthorized);
            await ShouldBeAsync(token, HttpStatusCode.Unauthorized);
            Remembers(token).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("iss")]
    [InlineData("aud")]
    [InlineData("exp")]
    [InlineData("user_id")]
    [InlineData("session_id")]
    public async Task A_claim_that_is_missing_or_of_another_type_is_refused(string claim)
    {
        var user = await app.CreateUserAsync();
        var key = (await app.RingAsync()).Single(k => k.IsCurrent);
        var payload = Fresh(user);
        using var claims = JsonDocument.Parse(payload);
        var member = $"\"{claim}\":{claims.RootElement.GetProperty(claim).GetRawText()}";
        payload.ShouldContain(member);
        foreach (var other in new[] { "\"x\":\"y\"", $"\"{claim}\":null", $"\"{claim}\":[]", $"{member},{member}" })
        {
            var token = RingForgery.Sign(key.Private(), RingForgery.Header(key.Id), payload.Replace(member, other));
            await ShouldBeAsync(token, HttpStatusCode.Unauthorized);
        }
    }

    // The user's claims with another id, so that the token is not the one that was issued.
    static string Fresh(TestUser user) => RingForgery.Payload(user.Token).Replace("\"jti\":\"", "\"jti\":\"x");

    bool Remembers(string token) =>
        app.Services.GetRequiredService<KeyRing>().Keys.Verified.Find(SHA256.HashData(Encoding.ASCII.GetBytes(token))) is not null;

    async Task ShouldBeAsync(string token, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}").ShouldBeTrue();
        (await app.Client.SendAsync(request, Cancellation)).StatusCode.ShouldBe(expected, token);
    }
}
