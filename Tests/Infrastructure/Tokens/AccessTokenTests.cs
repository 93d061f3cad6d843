using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using FastEndpoints;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Tokens;

/// <summary>
/// Which tokens are accepted, with a secret from the settings (HS256). The tests sign their forgeries with the service's own key unless
/// they say otherwise.
/// </summary>
public sealed class AccessTokenTests(SecretFixture app) : TestBase<SecretFixture>
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const string Header = """{"alg":"HS256","typ":"JWT"}""";

    [Fact]
    public async Task A_test_s_own_token_with_the_right_key_and_claims_is_accepted()
    {
        // Shows that the refusals below have the reason that each test names.
        var user = await app.CreateUserAsync();
        await ShouldBeAcceptedAsync(Forge(Header, Payload(user)), user);
        await ShouldBeAcceptedAsync(user.Token, user);
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"JWT"}""")]
    [InlineData("""{"alg":"None","typ":"JWT"}""")]
    [InlineData("""{"alg":"nOnE","typ":"JWT"}""")]
    [InlineData("""{"alg":"NONE","typ":"JWT"}""")]
    [InlineData("""{"alg":"hs256","typ":"JWT"}""")]
    [InlineData("""{"alg":"HS384","typ":"JWT"}""")]
    [InlineData("""{"alg":"HS512","typ":"JWT"}""")]
    [InlineData("""{"alg":"RS256","typ":"JWT"}""")]
    [InlineData("""{"alg":"ES256","typ":"JWT"}""")]
    [InlineData("""{"alg":"PS256","typ":"JWT"}""")]
    [InlineData("""{"alg":"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256","typ":"JWT"}""")]
    [InlineData("""{"alg":"","typ":"JWT"}""")]
    [InlineData("""{"alg":null,"typ":"JWT"}""")]
    [InlineData("""{"alg":256,"typ":"JWT"}""")]
    [InlineData("""{"alg":["HS256"],"typ":"JWT"}""")]
    [InlineData("""{"typ":"JWT"}""")]
    [InlineData("""{"alg":"HS256","alg":"HS256","typ":"JWT"}""")]
    [InlineData("""{"alg":"none","alg":"HS256","typ":"JWT"}""")]
    [InlineData("""["HS256"]""")]
    [InlineData("null")]
    [InlineData("not JSON")]
    public async Task Any_other_algorithm_is_refused(string header)
    {
        var user = await app.CreateUserAsync();
        var signed = Signed(header, Payload(user));
        var bytes = Encoding.ASCII.GetBytes(signed);
        byte[][] macs = [HMACSHA256.HashData(Key, bytes), HMACSHA384.HashData(Key, bytes), HMACSHA512.HashData(Key, bytes), []];
        foreach (var mac in macs)
            await ShouldBeRefusedAsync($"{signed}.{Base64Url.EncodeToString(mac)}");
    }

    [Fact]
    public async Task Every_bit_of_the_signature_counts()
    {
        var parts = (await app.CreateUserAsync()).Token.Split('.');
        var mac = Base64Url.DecodeFromChars(parts[2]);
        mac.Length.ShouldBe(HMACSHA256.HashSizeInBytes);
        for (var bit = 0; bit < mac.Length * 8; bit++)
        {
            mac[bit / 8] ^= (byte)(1 << (bit % 8));
            await ShouldBeRefusedAsync($"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(mac)}");
            mac[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public async Task Every_character_of_a_token_counts()
    {
        var token = (await app.CreateUserAsync()).Token;
        for (var at = 0; at < token.Length; at++)
        {
            var next = Alphabet[(Alphabet.IndexOf(token[at]) + 1) % Alphabet.Length];
            await ShouldBeRefusedAsync($"{token[..at]}{next}{token[(at + 1)..]}");
        }
    }

    [Fact]
    public async Task Other_last_characters_that_decode_to_the_same_signature_are_refused()
    {
        var token = (await app.CreateUserAsync()).Token;
        // 32 bytes are 42 characters and four bits; the last two bits must be zero.
        var last = Alphabet.IndexOf(token[^1]);
        (last % 4).ShouldBe(0);
        for (var spare = 1; spare < 4; spare++)
            await ShouldBeRefusedAsync(token[..^1] + Alphabet[last + spare]);
    }

    [Fact]
    public async Task A_missing_truncated_or_longer_signature_is_refused()
    {
        var parts = (await app.CreateUserAsync()).Token.Split('.');
        foreach (var mac in new[] { "", parts[2][..^1], parts[2][..22], parts[2][..2], parts[2] + "AA", parts[2] + parts[2] })
            await ShouldBeRefusedAsync($"{parts[0]}.{parts[1]}.{mac}");
        foreach (var token in new[] { $"{parts[0]}.{parts[1]}", parts[0], "..", ".", $".{parts[1]}.{parts[2]}", $"{parts[0]}..{parts[2]}",
            $"{parts[0]}.{parts[1]}.{parts[2]}.", $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[2]}.{parts[2]}" })
            await ShouldBeRefusedAsync(token);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\t")]
    [InlineData("=")]
    [InlineData("==")]
    [InlineData("+")]
    [InlineData("/")]
    [InlineData("\0")]
    [InlineData("ß")]
    public async Task A_character_outside_base64url_is_refused_in_every_part(string stranger)
    {
        var user = await app.CreateUserAsync();
        for (var part = 0; part < 3; part++)
        {
            foreach (var atEnd in new[] { false, true })
            {
                // Signed as it is sent, so only the alphabet is wrong.
                var parts = Signed(Header, Payload(user)).Split('.');
                if (part < 2)
                    parts[part] = With(parts[part], stranger, atEnd);
                var mac = Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes($"{parts[0]}.{parts[1]}")));
                var status = await StatusAsync($"Bearer {parts[0]}.{parts[1]}.{(part == 2 ? With(mac, stranger, atEnd) : mac)}");
                status.ShouldBe(401, $"part {part}, at the end: {atEnd}");
            }
        }

        static string With(string part, string stranger, bool atEnd) => part.Insert(atEnd ? part.Length : part.Length / 2, stranger);
    }

    [Theory]
    [InlineData("\"kid\":\"../../dev/null\"")]
    [InlineData("\"kid\":\"x' OR 1=1--\"")]
    [InlineData("\"jku\":\"http://{0}/keys\"")]
    [InlineData("\"x5u\":\"http://{0}/cert\"")]
    [InlineData("\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")]
    [InlineData("\"jwk\":\"http://{0}/jwk\"")]
    [InlineData("\"crit\":[\"x\"],\"x\":1")]
    [InlineData("\"crit\":[]")]
    [InlineData("\"b64\":false")]
    [InlineData("\"b64\":false,\"crit\":[\"b64\"]")]
    [InlineData("\"zip\":\"DEF\"")]
    [InlineData("\"enc\":\"A128GCM\"")]
    public async Task A_token_with_an_unexpected_header_parameter_is_refused_and_nothing_is_fetched(string parameter)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var user = await app.CreateUserAsync();
        var header = Header.Replace("}", $",{parameter.Replace("{0}", $"{listener.LocalEndpoint}")}}}");
        await ShouldBeRefusedAsync(Forge(header, Payload(user)));
        // Signed with the header's own key, or with none.
        var signed = Signed(header, Payload(user));
        foreach (var key in new[] { new byte[32], [] })
            await ShouldBeRefusedAsync($"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}");
        listener.Pending().ShouldBeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-50)]
    [InlineData(3600)]
    public async Task An_expiry_within_the_lifetime_and_a_minute_of_leeway_is_accepted(int seconds)
    {
        var user = await app.CreateUserAsync();
        await ShouldBeAcceptedAsync(Forge(Header, Payload(user, exp: Now(seconds))), user);
    }

    public static TheoryData<string> RefusedExpiries => new(
        "now-61", "now-3600", "now+3670", "now+315360000", "0", "-1", "1e300", "1e10", "\"123\"", "\"4102444800\"", "true", "null", "[]",
        "{}", "9223372036854775807", "99999999999999999999", "");

    [Theory]
    [MemberData(nameof(RefusedExpiries))]
    public async Task Any_other_expiry_is_refused(string exp)
    {
        var user = await app.CreateUserAsync();
        var value = exp.StartsWith("now", StringComparison.Ordinal) ? Now(int.Parse(exp[3..], CultureInfo.InvariantCulture)) : exp;
        var payload = value.Length == 0 ? Payload(user).Replace("\"exp\":", "\"expires\":") : Payload(user, exp: value);
        await ShouldBeRefusedAsync(Forge(Header, payload));
    }

    [Theory]
    [InlineData("nbf")]
    [InlineData("iat")]
    public async Task A_token_from_the_future_is_refused_beyond_the_leeway(string claim)
    {
        var user = await app.CreateUserAsync();
        await ShouldBeAcceptedAsync(Forge(Header, Payload(user, $"\"{claim}\":{Now(50)}")), user);
        foreach (var value in new[] { Now(70), Now(3600), "\"0\"", "true", "[]", "-1", "1e300" })
            await ShouldBeRefusedAsync(Forge(Header, Payload(user, $"\"{claim}\":{value}")));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("\"{0}\"")]
    [InlineData("{0}.5")]
    [InlineData("{0}e1")]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551616")]
    [InlineData("[{0}]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("{0},\"user_id\":{0}")]
    [InlineData("{0},\"user_id\":1")]
    [InlineData("9223372036854775807")]
    public async Task A_user_id_that_is_not_a_user_s_positive_integer_is_refused(string value)
    {
        var user = await app.CreateUserAsync();
        var payload = Payload(user).Replace($"\"user_id\":{user.Id}", $"\"user_id\":{value.Replace("{0}", $"{user.Id}")}")
            .Replace($"\"sub\":\"{user.Id}\",", "");
        payload.ShouldNotContain("sub");
        await ShouldBeRefusedAsync(Forge(Header, payload));
    }

    [Fact]
    public async Task A_token_without_a_user_id_is_refused()
    {
        var user = await app.CreateUserAsync();
        await ShouldBeRefusedAsync(Forge(Header, Payload(user).Replace("\"user_id\"", "\"uid\"")));
        foreach (var payload in new[] { "{}", "[]", "1", "null", "\"x\"", "not JSON", Payload(user) + "{}" })
            await ShouldBeRefusedAsync(Forge(Header, payload));
    }

    [Fact]
    public async Task A_token_whose_claims_name_two_users_is_refused()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        await ShouldBeRefusedAsync(Forge(Header, Payload(one).Replace($"\"sub\":\"{one.Id}\"", $"\"sub\":\"{two.Id}\"")));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("\"{0}\"")]
    [InlineData("{0}.5")]
    [InlineData("9223372036854775808")]
    [InlineData("[{0}]")]
    [InlineData("null")]
    [InlineData("{0},\"session_id\":{0}")]
    [InlineData("9223372036854775807")]
    public async Task A_session_id_that_is_not_a_session_s_positive_integer_is_refused(string value)
    {
        var user = await app.CreateUserAsync();
        var session = $"\"session_id\":{user.SessionId}";
        await ShouldBeRefusedAsync(
            Forge(Header, Payload(user).Replace(session, $"\"session_id\":{value.Replace("{0}", $"{user.SessionId}")}")));
        await ShouldBeRefusedAsync(Forge(Header, Payload(user).Replace(session + ",", "")));
    }

    [Fact]
    public async Task A_session_of_another_user_is_refused()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        await ShouldBeAcceptedAsync(Forge(Header, Payload(one)), one);
        await ShouldBeRefusedAsync(
            Forge(Header, Payload(one).Replace($"\"session_id\":{one.SessionId}", $"\"session_id\":{two.SessionId}")));
    }

    [Fact]
    public async Task Without_a_token_every_route_that_is_not_anonymous_is_401_with_a_challenge()
    {
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(r => r.Metadata.GetMetadata<IAllowAnonymous>() is null && r.Metadata.GetMetadata<EndpointDefinition>() is not null)
                .ToArray();
        routes.Length.ShouldBeGreaterThan(20);
        foreach (var route in routes)
        {
            var path = "/" + string.Join('/',
                route.RoutePattern.PathSegments.Select(s => s.Parts[0] is RoutePatternLiteralPart literal ? literal.Content : "1"));
            var type = route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes[0];
            foreach (var method in route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
            {
                var body = type is null ? null : new StringContent("{}", new MediaTypeHeaderValue(type));
                using var request = new HttpRequestMessage(new(method), path) { Content = body };
                var response = await app.Client.SendAsync(request, Cancellation);
                response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{method} {path}");
                await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
                // A missing token gets a challenge without an error (RFC 6750, 3.1).
                response.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
            }
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    public async Task The_token_of_a_deleted_user_is_refused(string method)
    {
        var user = await app.CreateUserAsync();
        // A mail locks the profile first, and this statement the user: together they would be a deadlock.
        await app.SentAsync(user.Email);
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteDeleteAsync());
        using var client = app.ClientFor(user);
        var body = method == "PUT" ? new StringContent("{}", Encoding.UTF8, "application/json") : null;
        var response = await client.SendAsync(new(new(method), "/me") { Content = body }, Cancellation);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("iss", "\"another\"")]
    [InlineData("iss", "\"Profiles\"")]
    [InlineData("iss", "[\"profiles\"]")]
    [InlineData("iss", "null")]
    [InlineData("aud", "\"another\"")]
    [InlineData("aud", "\"\"")]
    [InlineData("aud", "[\"another\"]")]
    [InlineData("aud", "1")]
    public async Task A_token_of_another_issuer_or_for_another_audience_is_refused(string claim, string value)
    {
        var user = await app.CreateUserAsync();
        Payload(user).ShouldContain($"\"{claim}\":\"profiles\"");
        await ShouldBeRefusedAsync(Forge(Header, Payload(user).Replace($"\"{claim}\":\"profiles\"", $"\"{claim}\":{value}")));
        await ShouldBeRefusedAsync(Forge(Header, Payload(user).Replace($"\"{claim}\":\"profiles\",", "")));
    }

    [Theory]
    [InlineData("\"reset+jwt\"")]
    [InlineData("\"JWE\"")]
    [InlineData("1")]
    [InlineData("null")]
    public async Task A_token_of_another_type_is_refused(string type)
    {
        var user = await app.CreateUserAsync();
        await ShouldBeRefusedAsync(Forge($$"""{"alg":"HS256","typ":{{type}}}""", Payload(user)));
    }

    [Fact]
    public async Task A_token_signed_with_another_key_is_refused()
    {
        var user = await app.CreateUserAsync();
        var signed = Signed(Header, Payload(user));
        foreach (var key in new[] { "another key that is as long as ours"u8.ToArray(), [], new byte[32], Key[..^1], [.. Key, 0x20] })
            await ShouldBeRefusedAsync($"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}");
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("bearer")]
    [InlineData("BEARER")]
    public async Task The_scheme_is_compared_without_regard_to_case(string scheme)
    {
        var user = await app.CreateUserAsync();
        (await StatusAsync($"{scheme} {user.Token}")).ShouldBe(200);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("{0}")]
    [InlineData("Bearer{0}")]
    [InlineData("Basic {0}")]
    [InlineData("Token {0}")]
    [InlineData("Bearer {0} {0}")]
    [InlineData("Bearer {0},Bearer {0}")]
    [InlineData("Bearer {0}, Bearer {0}")]
    [InlineData("Bearer \"{0}\"")]
    public async Task Any_other_form_of_the_header_is_refused(string form)
    {
        var user = await app.CreateUserAsync();
        (await StatusAsync(form.Replace("{0}", user.Token))).ShouldBe(401);
    }

    [Fact]
    public async Task Two_tokens_are_refused()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        (await StatusAsync(new StringValues([$"Bearer {one.Token}", $"Bearer {two.Token}"]))).ShouldBe(401);
        (await StatusAsync(new StringValues([$"Bearer {one.Token}", $"Bearer {one.Token}"]))).ShouldBe(401);
        (await StatusAsync(new StringValues([$"Bearer {one.Token}", "Basic eDp5"]))).ShouldBe(401);
        (await StatusAsync(new StringValues([$"Bearer {one.Token}", ""]))).ShouldBe(401);
        (await StatusAsync(new StringValues(["", $"Bearer   {one.Token}"]))).ShouldBe(401);
    }

    [Fact]
    public async Task A_token_outside_the_Authorization_header_is_ignored()
    {
        var user = await app.CreateUserAsync();
        using var client = app.CreateClient(new() { AllowAutoRedirect = false, HandleCookies = false });
        foreach (var name in new[] { "access_token", "token", "bearer_token", "authorization" })
        {
            await (await client.GetAsync($"/me?{name}={user.Token}", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            await (await SendAsync(HttpMethod.Get, r => r.Headers.Add("Cookie", $"{name}={user.Token}")))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            await (await SendAsync(HttpMethod.Get, r => r.Headers.Add($"X-{name}", $"Bearer {user.Token}")))
                .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
            var json = new StringContent($$"""{"name":"Someone else","{{name}}":"{{user.Token}}"}""", Encoding.UTF8, "application/json");
            await (await SendAsync(HttpMethod.Put, r => r.Content = json)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        }
        (await app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).Select(p => p.Name).SingleAsync())).ShouldBe(user.Name);

        Task<HttpResponseMessage> SendAsync(HttpMethod method, Action<HttpRequestMessage> change)
        {
            var request = new HttpRequestMessage(method, "/me");
            change(request);
            return client.SendAsync(request, Cancellation);
        }
    }

    [Fact, Trait("Needs", "Process")]
    public async Task A_token_of_a_hundred_kilobytes_is_refused_by_Kestrel()
    {
        await using var server = await ServerProcess.StartAsync();
        foreach (var token in new[] { new string('a', 100_000), $"{new string('a', 50_000)}.{new string('a', 50_000)}.a",
            new string('a', 20_000) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { { "Authorization", $"Bearer {token}" } } };
            ((int)(await server.Client.SendAsync(request, Cancellation)).StatusCode).ShouldBeOneOf(401, 431);
        }
        await (await server.Client.GetAsync("/health/live", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
    }

    byte[] Key => app.Services.GetRequiredService<SigningKeys>().Current.Key;

    string Now(int seconds) => (app.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds).ToString(CultureInfo.InvariantCulture);

    /// <summary>A payload as the service issues it, with another expiry or more members.</summary>
    string Payload(TestUser user, string? more = null, string? exp = null) =>
        $$"""{"user_id":{{user.Id}},"sub":"{{user.Id}}","session_id":{{user.SessionId}},"jti":"{{Guid.NewGuid():N}}","""
            + $$"""
               "iss":"profiles","aud":"profiles",{{(more is null ? "" : more + ",")}}"exp":{{exp ?? Now(600)}}}
               """;

    static string Signed(string header, string payload) =>
        $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";

    string Forge(string header, string payload)
    {
        var signed = Signed(header, payload);
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(signed)))}";
    }

    async Task ShouldBeAcceptedAsync(string token, TestUser user)
    {
        var me = await (await app.ClientFor(user with { Token = token }).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("id").GetInt64().ShouldBe(user.Id);
    }

    async Task ShouldBeRefusedAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/me");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}").ShouldBeTrue();
        var response = await app.Client.SendAsync(request, Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, token);
        await response.ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    /// <summary>The answer to a header that HttpClient would not send.</summary>
    async Task<int> StatusAsync(StringValues authorization)
    {
        var context = await app.Server.SendAsync(
            c =>
            {
                c.Request.Method = HttpMethods.Get;
                c.Request.Host = new("localhost");
                c.Request.Path = "/me";
                c.Request.Headers.Authorization = authorization;
            },
            Cancellation);
        return context.Response.StatusCode;
    }
}
