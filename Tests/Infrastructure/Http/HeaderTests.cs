using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Hosting;

namespace Profiles.Tests.Infrastructure.Http;

/// <summary>A service that two browser applications may call.</summary>
public sealed class CrossOriginFixture : ProfilesFixture
{
    public const string Origin = "https://app.example.com";
    public const string OtherOrigin = "http://localhost:5173";

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Cors:Origins", $"{Origin}, {OtherOrigin}");
    }
}

public sealed class HeaderTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    public static TheoryData<string, string, int> Answers => new()
    {
        { "GET", "/me", 200 }, { "GET", "/health/live", 200 }, { "GET", "/openapi/v1.json", 200 }, { "POST", "/login", 415 },
        { "GET", "/nowhere", 404 }, { "DELETE", "/upload-policy", 405 }, { "PATCH", "/me", 415 }, { "POST", "/me/upload-image", 415 },
        { "DELETE", "/me/upload-image", 404 },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Every_answer_has_the_security_headers(string method, string path, int status)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var scheme in new[] { "http", "https" })
        {
            var response = await client.SendAsync(new(new(method), $"{scheme}://localhost{path}"), Cancellation);
            ((int)response.StatusCode).ShouldBe(status);
            Header(response, "X-Content-Type-Options").ShouldBe("nosniff");
            Header(response, "Referrer-Policy").ShouldBe("no-referrer");
            Header(response, "Content-Security-Policy").ShouldBe("default-src 'none'; frame-ancestors 'none'");
            Header(response, "Strict-Transport-Security").ShouldBe(scheme == "https" ? "max-age=31536000" : "");
            foreach (var name in new[] { "Server", "X-Powered-By", "X-AspNet-Version" })
                Header(response, name).ShouldBe("");
        }
    }

    [Fact]
    public async Task Answers_with_a_token_or_an_error_are_not_cached()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        var login = await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation);
        var wrong = await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = "wrong password" }, Cancellation);
        var taken =
            await app.Client.PostAsJsonAsync("/register", new { name = "A", email = user.Email, password = user.Password }, Cancellation);
        var joined = await app.Client.PostAsJsonAsync("/register", new { name = "A", email = "b" + user.Email, password = user.Password },
            Cancellation);
        var stranger = await app.Client.GetAsync("/me", Cancellation);
        var nowhere = await app.Client.GetAsync("/nowhere", Cancellation);
        foreach (var response in new[] { login, wrong, taken, joined, stranger, nowhere })
            Header(response, "Cache-Control").ShouldContain("no-store");
        var mine = await client.GetAsync("/me", Cancellation);
        Header(mine, "Cache-Control").Split(", ").Order().ShouldBe(["no-cache", "private"]);
    }

    [Fact]
    public async Task Without_configured_origins_no_origin_is_allowed()
    {
        foreach (var origin in new[] { "https://evil.example", "null", CrossOriginFixture.Origin, ProfilesFixture.BaseUrl })
        {
            foreach (var method in new[] { "GET", "OPTIONS" })
                ShouldAllowNoOrigin(await app.Client.SendAsync(CrossOrigin(method, origin), Cancellation));
        }
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("profiles.example.evil.example")]
    [InlineData("evil-profiles.example")]
    [InlineData("127.0.0.1.evil.example:80")]
    public async Task An_unknown_host_name_is_refused_and_not_repeated(string host)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var path in new[] { "/me", "/", "/nowhere", "/openapi/v1.json" })
        {
            var response = await client.SendAsync(new(HttpMethod.Get, path) { Headers = { Host = host } }, Cancellation);
            await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
            (await WholeAsync(response)).ShouldNotContain("evil");
        }
    }

    [Fact]
    public async Task URLs_in_answers_use_PublicBaseUrl_regardless_of_forwarded_host_headers()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var name in new[] { "X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host", "X-Forwarded-Server" })
            client.DefaultRequestHeaders.TryAddWithoutValidation(name, name == "Forwarded" ? "host=evil.example" : "evil.example");
        var image =
            new ByteArrayContent(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Images", "animated.gif"),
                Cancellation));
        var upload =
            await client.PostAsync("/me/upload-image", new MultipartFormDataContent { { image, "image", "me.gif" } }, Cancellation);
        (await upload.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()
            .ShouldStartWith($"{ProfilesFixture.BaseUrl}/static/profile/");
        foreach (var path in new[] { "/me", "/", "/openapi/v1.json", "/nowhere" })
            (await WholeAsync(await client.GetAsync(path, Cancellation))).ShouldNotContain("evil");
    }

    [Theory]
    [InlineData("TRACE", "/me", "DELETE, GET, PATCH, PUT")]
    [InlineData("PATCH", "/users/somebody", "GET")]
    [InlineData("FOO", "/me", "DELETE, GET, PATCH, PUT")]
    [InlineData("POST", "/users/me", "DELETE, GET, PATCH, PUT")]
    [InlineData("DELETE", "/upload-policy", "GET")]
    [InlineData("GET", "/login", "POST")]
    [InlineData("PUT", "/register", "POST")]
    [InlineData("GET", "/me/upload-image", "DELETE, POST")]
    [InlineData("POST", "/health/live", "GET")]
    [InlineData("DELETE", "/health/ready", "GET")]
    public async Task An_unsupported_method_is_405_with_the_allowed_ones(string method, string path, string allowed)
    {
        foreach (var client in new[] { app.Client, app.ClientFor(await app.CreateUserAsync()) })
        {
            var response = await client.SendAsync(new(new(method), path), Cancellation);
            await response.ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed);
            string.Join(", ", response.Content.Headers.Allow.Order()).ShouldBe(allowed);
        }
    }

    [Fact]
    public async Task Method_override_headers_are_ignored()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var name in new[] { "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override" })
        {
            var response = await client.SendAsync(new(HttpMethod.Post, "/me") { Headers = { { name, "GET" } } }, Cancellation);
            await response.ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed);
            await (await client.SendAsync(new(HttpMethod.Get, "/me") { Headers = { { name, "DELETE" } } }, Cancellation))
                .ShouldBeAsync(HttpStatusCode.OK);
        }
    }

    [Theory]
    [InlineData("/_test_url_cache_")]
    [InlineData("/_TEST_url_cache_")]
    [InlineData("/_test_url_cache_/")]
    public async Task The_framework_s_list_of_endpoints_is_404(string path) =>
        await (await app.Client.GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

    static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values)
            ? string.Join(", ", values)
            : "";

    static async Task<string> WholeAsync(HttpResponseMessage response) =>
        $"{response.Headers}{response.Content.Headers}{await response.Content.ReadAsStringAsync()}";

    internal static HttpRequestMessage CrossOrigin(string method, string origin)
    {
        var request = new HttpRequestMessage(new(method), "/me");
        request.Headers.TryAddWithoutValidation("Origin", origin);
        if (method == "OPTIONS")
        {
            request.Headers.Add("Access-Control-Request-Method", "PUT");
            request.Headers.Add("Access-Control-Request-Headers", "authorization, content-type, if-match");
        }
        return request;
    }

    internal static void ShouldAllowNoOrigin(HttpResponseMessage response) =>
        response.Headers.Where(h => h.Key.StartsWith("Access-Control-Allow", StringComparison.OrdinalIgnoreCase)).ShouldBeEmpty();
}

public sealed class CrossOriginTests(CrossOriginFixture app) : TestBase<CrossOriginFixture>
{
    [Theory]
    [InlineData(CrossOriginFixture.Origin)]
    [InlineData(CrossOriginFixture.OtherOrigin)]
    public async Task A_listed_origin_may_call_and_read_the_answers_including_errors(string origin)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        foreach (var (caller, status) in new[] { (client, HttpStatusCode.OK), (app.Client, HttpStatusCode.Unauthorized) })
        {
            var response = await caller.SendAsync(HeaderTests.CrossOrigin("GET", origin), Cancellation);
            response.StatusCode.ShouldBe(status);
            response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([origin]);
            response.Headers.Vary.ShouldContain("Origin");
            response.Headers.Contains("Access-Control-Allow-Credentials").ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_listed_origin_may_read_a_415()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new ByteArrayContent("{}"u8.ToArray()),
            Headers = { { "Origin", CrossOriginFixture.Origin } }
        };
        var response = await app.Client.SendAsync(request, Cancellation);
        await response.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
        response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([CrossOriginFixture.Origin]);
    }

    [Fact]
    public async Task A_listed_origin_s_preflight_is_answered()
    {
        var response = await app.Client.SendAsync(HeaderTests.CrossOrigin("OPTIONS", CrossOriginFixture.Origin), Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([CrossOriginFixture.Origin]);
        string.Join(',', response.Headers.GetValues("Access-Control-Allow-Methods")).ShouldContain("PUT");
        string.Join(',', response.Headers.GetValues("Access-Control-Allow-Headers")).ShouldContain("authorization");
        response.Headers.Vary.ShouldContain("Origin");
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("https://evil.app.example.com")]
    [InlineData("https://app.example.com.evil.example")]
    [InlineData("http://app.example.com")]
    [InlineData("https://app.example.com:8443")]
    public async Task Any_other_origin_is_not_allowed_and_the_answer_varies_by_origin(string origin)
    {
        foreach (var method in new[] { "GET", "OPTIONS" })
        {
            var response = await app.Client.SendAsync(HeaderTests.CrossOrigin(method, origin), Cancellation);
            HeaderTests.ShouldAllowNoOrigin(response);
            response.Headers.Vary.ShouldContain("Origin");
        }
    }
}

/// <summary>A server process with a list of allowed host names, among them its own address.</summary>
public sealed class RawServer : IAsyncLifetime
{
    public ServerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Process = await ServerProcess.StartAsync(
            ("AllowedHosts", "127.0.0.1;b\u00FCcher.example;*.profiles.example;*.xn--bcher-kva.example"));

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}

/// <summary>Requests that need Kestrel and a raw connection: HEAD, and paths that HttpClient would normalise.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class RawRequestTests(RawServer shared) : IClassFixture<RawServer>
{
    readonly ServerProcess server = shared.Process;

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HEAD_is_GET_without_the_body()
    {
        var token = await JoinAsync(server);
        foreach (var path in new[] { "/me", "/health/live", "/openapi/v1.json", "/swagger/index.html", "/nowhere", "/static/profile/1.jpg",
            "/" })
        {
            foreach (var authorization in new[] { $"Authorization: Bearer {token}\r\n", "" })
            {
                var get = await SendAsync(server, "GET", path, authorization);
                var head = await SendAsync(server, "HEAD", path, authorization);
                Head(head).ShouldBe(Head(get), path);
                head.Split("\r\n\r\n", 2)[1].ShouldBeEmpty(path);
            }
        }

        static string Head(string answer) =>
            Regex.Replace(answer.Split("\r\n\r\n", 2)[0], @"\r\n(Date|Content-Length|Transfer-Encoding):[^\r]*", "");
    }

    [Fact]
    public async Task No_spelling_of_a_path_bypasses_the_token()
    {
        var token = await JoinAsync(server);
        (await SendAsync(server, "GET", "/me", $"Authorization: Bearer {token}\r\n")).ShouldStartWith("HTTP/1.1 200");
        string[] spellings =
            ["/me", "//me", "/me/", "/ME", "/me;x", "/me%00", "/me%20", "/me/.", "/./me", "/x/../me", "/%6de", "/me?x", "/me#x", "/me%2f",
                "/me\\", "/health/../me", "/swagger/../me", "/swagger/..%2fme", "/users//me", "/users/me/", "http://evil.example/me"];
        foreach (var path in spellings)
        {
            foreach (var method in new[] { "GET", "HEAD", "PUT" })
            {
                var status = int.Parse((await SendAsync(server, method, path, "")).Split(' ')[1]);
                status.ShouldBeOneOf([400, 401, 404, 405, 415], $"{method} {path}");
            }
        }
        // Some spellings are the same route; the others are none.
        foreach (var (path, status) in new[] { ("/me/", 200), ("/ME", 200), ("/x/../me", 200), ("//me", 404), ("/me;x", 404),
            ("/me%00", 400), ("/me%2f", 404) })
            (await SendAsync(server, "GET", path, $"Authorization: Bearer {token}\r\n"))
                .ShouldStartWith($"HTTP/1.1 {status}", Case.Sensitive, path);
    }

    [Fact]
    public async Task An_empty_media_type_is_415()
    {
        foreach (var path in new[] { "/register", "/login" })
            (await SendAsync(server, "POST", path, "Content-Type:\r\nContent-Length: 2\r\n\r\n{}"))
                .ShouldStartWith("HTTP/1.1 415", Case.Sensitive, path);
    }

    [Fact]
    public async Task Too_many_trailers_are_431_with_a_problem()
    {
        var trailers = string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: x\r\n"));
        var answer = await SendAsync(server, "POST", "/login",
            $"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n{trailers}");
        answer.ShouldStartWith("HTTP/1.1 431");
        answer.ShouldContain("\"detail\":\"The request's headers are too large.\"");
    }

    [Theory]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("www.xn--bcher-kva.example:8000")]
    public async Task A_listed_host_name_is_answered_in_both_of_its_spellings(string host) =>
        await ShouldAnswerOnlyAsync(server, host);

    [Fact]
    public async Task An_invalid_host_name_is_refused_even_when_every_name_is_allowed()
    {
        await using var any = await ServerProcess.StartAsync(("AllowedHosts", "*"));
        (await SendAsync(any, "GET", "/upload-policy", "", "whatever.example")).ShouldStartWith("HTTP/1.1 200");
        foreach (var (method, path, rest) in new[]
        {
            ("GET", "/upload-policy", ""),
            ("POST", "/account/deletion",
                "Origin: https://x.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n"),
        })
        {
            (await SendAsync(any, method, path, rest, "xn--99999999999999.example")).ShouldStartWith("HTTP/1.1 400", Case.Sensitive, path);
        }
    }

    [Theory]
    [InlineData("https://b\u00FCcher.example/app", "xn--bcher-kva.example")]
    [InlineData("https://xn--bcher-kva.example", "xn--bcher-kva.example")]
    [InlineData("http://[fd00::1]:8000", "[fd00::1]:8000")]
    public async Task The_host_of_PublicBaseUrl_is_answered_and_health_checks_are_answered_under_any_host(string publicBaseUrl,
        string own)
    {
        await using var proxied = await ServerProcess.StartAsync(("PublicBaseUrl", publicBaseUrl));
        await ShouldAnswerOnlyAsync(proxied, own);
        foreach (var host in new[] { "10.1.2.3:8000", "profiles-7f9c.default.svc", "xn--99999999999999.example", "" })
        {
            foreach (var path in new[] { "/health/live", "/health/ready", "/HEALTH/live/" })
                (await SendAsync(proxied, "GET", path, "", host)).ShouldStartWith("HTTP/1.1 200", Case.Sensitive, $"{host} {path}");
            foreach (var path in new[] { "/upload-policy", "/health", "/health/live/x", "/", "/openapi/v1.json" })
                (await SendAsync(proxied, "GET", path, "", host)).ShouldStartWith("HTTP/1.1 400", Case.Sensitive, $"{host} {path}");
        }
        foreach (var (path, status) in new[] { ("/health/live", 200), ("/health/ready", 200), ("/upload-policy", 400) })
            (await ExchangeAsync(proxied, $"GET {path} HTTP/1.0\r\n\r\n")).ShouldStartWith($"HTTP/1.1 {status}");
    }

    [Fact]
    public async Task An_impossible_chunk_size_is_a_400()
    {
        var token = await JoinAsync(server);
        foreach (var size in new[] { "80000000", "ffffffff", "100000000", "fffffffffffffffffffffffffffff" })
        {
            foreach (var (path, type) in new[] { ("/login", "application/json"), ("/me/upload-image", "multipart/form-data; boundary=b"),
                ("/account/deletion", "application/x-www-form-urlencoded") })
            {
                var answer = await SendAsync(server, "POST", path,
                    $"Authorization: Bearer {token}\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nx");
                answer.ShouldStartWith("HTTP/1.1 400", Case.Sensitive, $"{path} {size}");
            }
        }
        server.Output.ShouldNotContain("\"LogLevel\":\"Error\"");
    }

    [Fact]
    public async Task A_client_that_disconnects_while_sending_is_not_logged_as_an_error()
    {
        // Its own server, because the test reads the whole log.
        await using var server = await ServerProcess.StartAsync();
        var token = await JoinAsync(server);
        var part = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x.jpg\"\r\n\r\n" + new string('x', 2_500_000);
        var bodies = new[] { ("/login", "application/json", "{"), ("/me/upload-image", "multipart/form-data; boundary=b", part),
            ("/account/deletion", "application/x-www-form-urlencoded", "email=") };
        const int Sent = 100;
        // Many and concurrent: errors happened only when the disconnect was noticed during a read.
        await Parallel.ForAsync(0, Sent, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Token }, async (round, ct) =>
        {
            var ((path, type, body), isChunked, isReset, hasKey) =
                (bodies[round % 8 == 0 ? round / 8 % 3 : 1], round % 5 == 0, round % 6 != 0, round % 7 == 0);
            using var client = new TcpClient();
            await client.ConnectAsync(server.Address.Host, server.Address.Port, ct);
            client.LingerState = new(isReset, 0);
            var framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 3000000";
            var key = hasKey ? $"Idempotency-Key: {Guid.NewGuid()}\r\n" : "";
            var head = $"POST {path} HTTP/1.1\r\nHost: {server.Address.Authority}\r\nAuthorization: Bearer {token}\r\n"
                + $"Content-Type: {type}\r\n{key}{framing}\r\n\r\n";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head + (isChunked ? $"{body.Length:x}\r\n{body}\r\n" : body)), ct);
            await Task.Delay(round % 5 * 10, ct);
        });
        // A reset may arrive before its request is read, so not every request is logged; the last one is.
        (await SendAsync(server, "POST", "/logout", "Content-Length: 0\r\n")).ShouldStartWith("HTTP/1.1 401");
        for (var patience = 0; patience < 100
            && (Regex.Count(server.Output, "\"Method\":\"POST\"") < Sent / 4
                || !server.Output.Contains("logout", StringComparison.Ordinal)); patience++)
            await Task.Delay(50, Token);
        Regex.Count(server.Output, "\"Method\":\"POST\"").ShouldBeGreaterThanOrEqualTo(Sent / 4);
        server.Output.ShouldNotContain("\"LogLevel\":\"Error\"");
        server.Output.ShouldNotContain("\"Status\":500");
    }

    static async Task ShouldAnswerOnlyAsync(ServerProcess server, string host)
    {
        (await SendAsync(server, "GET", "/upload-policy", "", host)).ShouldStartWith("HTTP/1.1 200");
        // The last two are not valid host names.
        foreach (var other in new[] { "xn--bcher-kva.evil.example", "[fd00::2]", "xn--99999999999999.example", "xn--.example" })
            (await SendAsync(server, "GET", "/upload-policy", "", other)).ShouldStartWith("HTTP/1.1 400", Case.Sensitive, other);
    }

    static async Task<string> JoinAsync(ServerProcess server)
    {
        var john = new { name = "John", email = $"{Guid.NewGuid():N}@example.com", password = "plum-tram-94" };
        await (await server.Client.PostAsJsonAsync("/register", john, Token)).ShouldBeAsync(HttpStatusCode.Created);
        return (await (await server.Client.PostAsJsonAsync("/login", john, Token)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("access_token").GetString()!;
    }

    static Task<string> SendAsync(ServerProcess server, string method, string path, string headers, string? host = null) =>
        ExchangeAsync(
            server, $"{method} {path} HTTP/1.1\r\nHost: {host ?? server.Address.Authority}\r\nConnection: close\r\n{headers}\r\n");

    static async Task<string> ExchangeAsync(ServerProcess server, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Address.Host, server.Address.Port, Token);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Token);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(Token).WaitAsync(TimeSpan.FromSeconds(20), Token);
    }
}
