using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Infrastructure.Errors;

/// <summary>A service whose database a test breaks.</summary>
public sealed class BrokenDatabaseFixture : ProfilesFixture;

public sealed class UnexpectedErrorTests(BrokenDatabaseFixture app) : TestBase<BrokenDatabaseFixture>
{
    [Fact]
    public async Task An_unexpected_exception_is_a_500_without_any_of_its_text()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await app.QueryAsync(db => db.Database.ExecuteSqlRawAsync("DROP TABLE user_profiles"));

        var answers = new[]
        {
            await client.GetAsync("/me", Cancellation),
            await client.PutAsJsonAsync("/me", new { name = "Someone" }, Cancellation),
            await client.DeleteAsync("/me/upload-image", Cancellation),
            await app.Client.PostAsJsonAsync("/register", new { name = "Jane", email = "jane@example.com", password = user.Password },
                Cancellation),
        };
        foreach (var answer in answers)
        {
            var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Something went wrong on the server.");
            problem.Names().ShouldBe(["type", "title", "status", "detail", "code", "trace_id"]);
            var whole = $"{answer.Headers}{answer.Content.Headers}{problem.GetRawText()}";
            foreach (var inside in new[] { "Exception", "SQL", "user_profiles", "no such table", "   at ", ".cs", "/tmp", app.Root,
                "Profiles.", "Microsoft", user.Email })
                whole.ShouldNotContain(inside, Case.Insensitive);
            answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        }
        // Requests that do not need the table work, and nothing of the failed registration is stored.
        await (await app.Client.PostAsJsonAsync("/login", new { email = user.Email, password = user.Password }, Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == "jane@example.com"))).ShouldBe(0);
    }
}

public sealed class ErrorTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Damaged_JSON_in_the_database_is_not_the_client_s_fault()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await app.QueryAsync(db =>
            db.UserProfiles.Where(p => p.UserId == user.Id).ExecuteUpdateAsync(s => s.SetProperty(p => p.Metadata, "{\"cut")));

        await (await client.GetAsync("/me", Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError, "Something went wrong on the server.");
        await (await client.PutAsJsonAsync("/me", new { name = "Someone" }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
    }

    /// <summary>One request for each error status that a client can cause.</summary>
    static readonly (string Method, string Path, string? ContentType, int Length, HttpStatusCode Status)[] Errors =
    [
        ("GET", "/nowhere", null, 0, HttpStatusCode.NotFound),
        ("GET", "/static/profile/999999.jpg", null, 0, HttpStatusCode.NotFound),
        ("GET", "/static/profile/..%2f..%2fdata%2fprofiles.db", null, 0, HttpStatusCode.NotFound),
        ("GET", "/swagger/nowhere.js", null, 0, HttpStatusCode.NotFound),
        ("DELETE", "/me/upload-image", null, 0, HttpStatusCode.NotFound),
        ("POST", "/me", null, 0, HttpStatusCode.MethodNotAllowed),
        ("POST", "/register", "text/xml", 10, HttpStatusCode.UnsupportedMediaType),
        ("POST", "/login", null, 10, HttpStatusCode.UnsupportedMediaType),
        ("POST", "/me/upload-image", "image/jpeg", 10, HttpStatusCode.UnsupportedMediaType),
        ("POST", "/register", "application/json", 70_000, HttpStatusCode.RequestEntityTooLarge),
        ("POST", "/register", "application/json", 10, HttpStatusCode.BadRequest),
        ("POST", "/me/upload-image", "multipart/form-data; boundary=x", 10, HttpStatusCode.BadRequest),
    ];

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/problem+json")]
    [InlineData("text/html")]
    [InlineData("image/*")]
    [InlineData("application/xml;q=0.9")]
    [InlineData("nonsense")]
    public async Task Every_error_is_a_problem_regardless_of_Accept(string accept)
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept", accept);
        foreach (var (method, path, contentType, length, status) in Errors)
        {
            var problem = await (await client.SendAsync(Request(method, path, contentType, length), Cancellation))
                .ShouldBeProblemAsync(status);
            problem.Names().Except(["errors", "error_codes"]).ShouldBe(["type", "title", "status", "detail", "code", "trace_id"]);
        }
        client.DefaultRequestHeaders.Authorization = null;
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Concurrent_errors_do_not_mix()
    {
        using var client = app.ClientFor(await app.CreateUserAsync());
        using var stranger = app.CreateClient(new() { AllowAutoRedirect = false, HandleCookies = false });
        // Sent alone, each has its own detail and fields.
        var kinds = Errors.Select(e =>
            (Func<Task<HttpResponseMessage>>)(() => client.SendAsync(Request(e.Method, e.Path, e.ContentType, e.Length), Cancellation)))
            .Append(() => stranger.GetAsync("/me", Cancellation))
            .Append(() =>
                stranger.PostAsJsonAsync("/login", new { email = "nobody@example.com", password = "wrong password" }, Cancellation))
            .Append(() =>
                stranger.PostAsJsonAsync("/register", new { name = "", email = "a@example.com", password = "12345678" }, Cancellation))
            .Append(() => stranger.PostAsJsonAsync("/register", new { name = "a", email = "a@example.com", password = "1" }, Cancellation))
            .Append(() => client.PutAsJsonAsync("/me", new { email = "none" }, Cancellation))
            .Append(() => client.PutAsJsonAsync("/me", new { name = 1 }, Cancellation))
            .ToArray();
        var alone = new List<string>();
        foreach (var kind in kinds)
            alone.Add((await ReadAsync(await kind())).Shown);
        alone.Distinct().Count().ShouldBeGreaterThan(12);

        var together =
            await Task.WhenAll(Enumerable.Range(0, 108).Select(async i => (i, Answer: await ReadAsync(await kinds[i % kinds.Length]()))));
        foreach (var (i, answer) in together)
            answer.Shown.ShouldBe(alone[i % kinds.Length]);
        together.Select(t => t.Answer.TraceId).Distinct().Count().ShouldBe(together.Length);
    }

    [Theory]
    [InlineData("GET", "/nowhere")]
    [InlineData("GET", "/me/nowhere")]
    [InlineData("DELETE", "/nowhere")]
    [InlineData("GET", "/static/")]
    [InlineData("GET", "/static/profile/")]
    [InlineData("GET", "/static/profile/x.jpg")]
    [InlineData("GET", "/static/profile/0.jpg")]
    [InlineData("GET", "/data/profiles.db")]
    [InlineData("GET", "/appsettings.json")]
    [InlineData("GET", "/.git/config")]
    [InlineData("GET", "/openapi/x.json")]
    [InlineData("GET", "/openapi/v2.json")]
    public async Task An_unknown_route_is_404_even_without_a_token(string method, string path) =>
        await (await app.Client.SendAsync(new(new(method), path), Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.NotFound, "There is nothing at this address.");

    static HttpRequestMessage Request(string method, string path, string? contentType, int length)
    {
        var request = new HttpRequestMessage(new(method), path);
        if (length > 0)
        {
            request.Content = new ByteArrayContent(Encoding.ASCII.GetBytes(new string('x', length)));
            request.Content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        }
        return request;
    }

    static async Task<(string Shown, string TraceId)> ReadAsync(HttpResponseMessage response)
    {
        var problem = await response.ShouldBeProblemAsync(response.StatusCode);
        return (string.Join('\n', problem.EnumerateObject().Where(m => m.Name != "trace_id").Select(m => m.ToString())),
            problem.GetProperty("trace_id").GetString()!);
    }
}
