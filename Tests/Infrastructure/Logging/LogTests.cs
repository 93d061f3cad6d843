using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Profiles.Tests.Infrastructure.Logging;

/// <summary>The log of use and abuse has one JSON object per line and no secrets.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class LogTests
{
    const string Password = "canary-password-9f1c";
    const string WrongPassword = "canary-wrong-password-77ab";
    const string Email = "canary-mail-5d2e@example.com";
    const string Name = "Canary Name 3b8a";
    const string SigningKey = "canary-signing-key-0a6d-at-least-32-bytes";
    const string CloudinarySecret = "canary-cloudinary-secret-c41f";
    const string CloudinaryKey = "271828182845904";
    const string Agent = "canary-agent\u001b[2J\u001b]0;canary\u0007";
    const string ForgedLine = "{\"level\":\"info\"}";

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_log_is_one_JSON_object_per_line_and_no_secret_is_in_the_log_an_answer_or_the_database()
    {
        var home = TemporaryDirectory.Make("home");
        await using var server = await ServerProcess.StartAsync(
            ("HOME", home), ("Jwt__SigningKey", SigningKey), ("CLOUDINARY_URL", $"cloudinary://{CloudinaryKey}:{CloudinarySecret}@demo"),
            // Nothing listens on this port, so storing fails and its exception is logged.
            ("Cloudinary__ApiBaseAddress", "http://127.0.0.1:9"), ("Cloudinary__Timeout", "00:00:05"));
        server.Client.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", Agent).ShouldBeTrue();
        var answers = new StringBuilder();

        await SendAsync(HttpStatusCode.Created, HttpMethod.Post, "/register",
            Json(new { name = Name, email = Email, password = Password }));
        await SendAsync(HttpStatusCode.Conflict, HttpMethod.Post, "/register",
            Json(new { name = Name, email = Email, password = Password }));
        await SendAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/register",
            Json(new { name = Name, email = $"a\r\n{ForgedLine}@x", password = Password }));
        await SendAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/register",
            new StringContent($"{{\"password\":\"{Password}\",", Encoding.UTF8, "application/json"));
        await SendAsync(HttpStatusCode.Unauthorized, HttpMethod.Post, "/login", Json(new { email = Email, password = WrongPassword }));
        await SendAsync(HttpStatusCode.Unauthorized, HttpMethod.Post, "/login",
            Json(new { email = $"a\r\n{ForgedLine}@x", password = WrongPassword }));
        var login =
            await (await server.Client.PostAsJsonAsync("/login", new { email = Email, password = Password, device = "canary-device" },
                Token)).ShouldBeAsync(HttpStatusCode.OK);
        var token = login.GetProperty("access_token").GetString()!;
        var refresh = login.GetProperty("refresh_token").GetString()!;
        var next = (await (await server.Client.PostAsJsonAsync("/token/refresh", new { refresh_token = refresh }, Token))
            .ShouldBeAsync(HttpStatusCode.OK)).GetProperty("refresh_token").GetString()!;
        await SendAsync(HttpStatusCode.Unauthorized, HttpMethod.Post, "/token/refresh", Json(new { refresh_token = next[..^1] + "!" }));
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        await SendAsync(HttpStatusCode.Forbidden, HttpMethod.Delete, "/me", Json(new { password = WrongPassword }));
        await SendAsync(HttpStatusCode.Forbidden, HttpMethod.Post, "/account/deletion",
            new FormUrlEncodedContent(new Dictionary<string, string> { ["email"] = Email, ["password"] = WrongPassword }));
        await SendAsync(HttpStatusCode.OK, HttpMethod.Get, "/me");
        await SendAsync(HttpStatusCode.NotFound, HttpMethod.Get,
            $"/nowhere/{Uri.EscapeDataString(Email)}?access_token={token}&x=%0d%0a{Uri.EscapeDataString(ForgedLine)}");
        await SendAsync(HttpStatusCode.MethodNotAllowed, new HttpMethod("CANARYMETHOD"), "/me");
        await SendAsync(HttpStatusCode.OK, HttpMethod.Put, "/me", Json(new { name = $"{Name} {ForgedLine}" }));
        await SendAsync(HttpStatusCode.BadRequest, HttpMethod.Put, "/me", Json(new { email = "canary-mail-none" }));
        await SendAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/me/upload-image",
            Upload("canary-file\u202e.jpg", Encoding.ASCII.GetBytes("canary-picture")));
        await SendAsync(HttpStatusCode.InternalServerError, HttpMethod.Post, "/me/upload-image",
            Upload("canary-file.gif",
            await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Images", "animated.gif"), Token)));
        await SendAsync(HttpStatusCode.OK, HttpMethod.Get, "/openapi/v1.json");
        await SendAsync(HttpStatusCode.OK, HttpMethod.Get, "/health/live");
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", token + "x");
        await SendAsync(HttpStatusCode.Unauthorized, HttpMethod.Get, "/me");

        string[] secrets = [Password, WrongPassword, SigningKey, CloudinarySecret, token, token.Split('.')[2], refresh, next];
        foreach (var secret in secrets)
            answers.ToString().ShouldNotContain(secret);
        Directory.GetFiles(home, "*", SearchOption.AllDirectories).ShouldBeEmpty();
        var lines = await LinesAsync(server, expected: 20);
        var events = lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        events.ShouldAllBe(e => e.ValueKind == JsonValueKind.Object);
        // Probes come all the time; that they succeed is for Debug.
        lines.ShouldNotContain(l => l.Contains("/health/live answered 200", StringComparison.Ordinal));
        foreach (var line in lines)
        {
            foreach (var personal in new[] { "canary", CloudinaryKey, token.Split('.')[1], ForgedLine, "\u001b", "\u0007" }.Concat(secrets))
                line.ShouldNotContain(personal, Case.Insensitive);
        }
        foreach (var file in Directory.GetFiles(Path.Combine(server.Directory, "data")))
        {
            var kept = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Token));
            foreach (var secret in secrets)
                kept.ShouldNotContain(secret);
        }

        async Task SendAsync(HttpStatusCode status, HttpMethod method, string path, HttpContent? content = null)
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            var response = await server.Client.SendAsync(request, Token);
            var body = await response.Content.ReadAsStringAsync(Token);
            response.StatusCode.ShouldBe(status, $"{method} {path}: {body}");
            answers.Append(response.Headers).Append(response.Content.Headers).AppendLine(body);
        }
    }

    [Fact]
    public async Task Every_request_logs_one_line_with_time_route_status_and_user_and_its_trace_id_finds_the_exception()
    {
        await using var server = await ServerProcess.StartAsync(
            ("CLOUDINARY_URL", $"cloudinary://{CloudinaryKey}:{CloudinarySecret}@demo"),
            ("Cloudinary__ApiBaseAddress", "http://127.0.0.1:9"), ("Cloudinary__Timeout", "00:00:05"));
        var john = new { name = Name, email = Email, password = Password };
        var id = (await (await server.Client.PostAsJsonAsync("/register", john, Token)).ShouldBeAsync(HttpStatusCode.Created))
            .GetProperty("id").GetInt64();
        var refused = await (await server.Client.PostAsJsonAsync("/login", new { email = Email, password = WrongPassword }, Token))
            .ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        var login = await (await server.Client.PostAsJsonAsync("/login", john, Token)).ShouldBeAsync(HttpStatusCode.OK);
        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", login.GetProperty("access_token").GetString());
        await (await server.Client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK);
        // One exception that an endpoint handles, one that nothing handles.
        var upload = await server.Client.UploadAsync(TestImage.Bytes("animated.gif"), Token);
        var caught = await upload.ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Error uploading image");
        await using (var database = new SqliteConnection($"Data Source={server.Directory}/data/profiles.db;Pooling=False"))
        {
            await database.OpenAsync(Token);
            await using var drop = new SqliteCommand("DROP TABLE user_profiles", database);
            await drop.ExecuteNonQueryAsync(Token);
        }
        var unforeseen = await (await server.Client.GetAsync("/me", Token))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Something went wrong on the server.");

        var lines = (await LinesAsync(server, expected: 6)).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        var requests = lines.Where(IsRequest).Where(e => !State(e, "Route").StartsWith("/health/", StringComparison.Ordinal)).ToArray();
        // The last request fails before its session is read.
        requests.Select(e => $"{State(e, "Method")} {State(e, "Route")} {State(e, "Status")} {State(e, "UserId")}").ShouldBe([
            "POST /register 201 ", "POST /login 401 ", "POST /login 200 ", $"GET /me 200 {id}", $"POST /me/upload-image 500 {id}",
            "GET /me 500 ",
        ]);
        foreach (var request in requests)
        {
            double.Parse(State(request, "Milliseconds"), CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
            var time = request.GetProperty("Timestamp").GetString()!;
            time.ShouldEndWith("Z");
            DateTimeOffset.Parse(time, CultureInfo.InvariantCulture).ShouldBe(TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1));
        }
        foreach (var (problem, request, fails) in new[] { (refused, requests[1], false), (caught, requests[4], true),
            (unforeseen, requests[5], true) })
        {
            var own = lines.Where(l => Traces(l).Contains(problem.GetProperty("trace_id").GetString())).ToArray();
            own.Where(IsRequest).ShouldHaveSingleItem().ShouldBe(request);
            own.Any(l => l.TryGetProperty("Exception", out _)).ShouldBe(fails, State(request, "Route"));
        }
        requests.Select(r => Traces(r).ShouldHaveSingleItem()).Distinct().Count().ShouldBe(requests.Length, "Each request has its own.");
    }

    static IEnumerable<string?> Traces(JsonElement line) =>
        line.GetProperty("Scopes").EnumerateArray().Select(s => s.GetProperty("TraceId").GetString());

    static bool IsRequest(JsonElement line) => line.GetProperty("Category").GetString()!.EndsWith(".RequestLog", StringComparison.Ordinal);

    static string State(JsonElement line, string name) =>
        line.GetProperty("State").TryGetProperty(name, out var value) ? value.ToString() : "";

    static JsonContent Json(object value) => JsonContent.Create(value);

    static MultipartFormDataContent Upload(string name, byte[] bytes)
    {
        var image = new ByteArrayContent(bytes);
        image.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        return new() { { image, "image", name } };
    }

    /// <summary>The whole output, once it has this many request lines: the log is written by its own thread.</summary>
    static async Task<string[]> LinesAsync(ServerProcess server, int expected)
    {
        for (var patience = 0; patience < 100; patience++)
        {
            var lines = server.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Count(l =>
                l.Contains(".RequestLog\"", StringComparison.Ordinal) && !l.Contains("/health/", StringComparison.Ordinal)) >= expected)
                return lines;
            await Task.Delay(50, Token);
        }
        throw new ShouldAssertException($"There are not {expected} requests in the log:\n{server.Output}");
    }
}
