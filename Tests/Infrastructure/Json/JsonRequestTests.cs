using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Profiles.Tests.Infrastructure.Json;

/// <summary>Bodies and media types that clients, libraries and proxies get wrong.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
public sealed class JsonRequestTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData("application/json; charset=utf8")]
    [InlineData("application/json;charset=us-ascii")]
    [InlineData("application/json; charset=")]
    [InlineData("application/json; charset=\"utf-16\"")]
    [InlineData("application/json; charset=utf-7")]
    [InlineData("Application/JSON; Charset=ISO-8859-1; boundary=x")]
    [InlineData("application/json;; ;")]
    public async Task JSON_is_UTF_8_regardless_of_its_charset(string type) =>
        await (await SendAsync(HttpMethod.Post, "/register", type, Encoding.UTF8.GetBytes(Registration("Zoë"))))
            .ShouldBeAsync(HttpStatusCode.Created);

    [Fact]
    public async Task JSON_that_is_not_UTF_8_is_400_regardless_of_its_charset()
    {
        foreach (var (charset, encoding) in new[] { ("iso-8859-1", Encoding.Latin1), ("utf-16", Encoding.Unicode),
            ("utf-16", Encoding.BigEndianUnicode) })
        {
            var response = await SendAsync(HttpMethod.Post, "/register", $"application/json; charset={charset}",
                encoding.GetBytes(Registration("Zoë")));
            await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task A_leading_byte_order_mark_is_ignored() =>
        await (await SendAsync(HttpMethod.Post, "/register", "application/json",
            [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Registration("Zoë"))])).ShouldBeAsync(HttpStatusCode.Created);

    [Fact]
    public async Task A_field_in_the_query_is_ignored()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await (await client.PutAsync("/me?name=Query", Body("{}"), Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        var changed = await (await client.PutAsync("/me?name=Query&bio=Query", Body("""{"name":"Body"}"""), Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        (changed.GetProperty("name").GetString(), changed.GetProperty("bio").GetString()).ShouldBe(("Body", null));
        await (await app.Client.PostAsync($"/login?email={user.Email}&password={user.Password}", Body("{}"), Cancellation))
            .ShouldRefuseFieldsAsync("email", "password");

        static StringContent Body(string json) => new(json, Encoding.UTF8, "application/json");
    }

    public static TheoryData<string> OddTypes => new(
        "application/json, text/plain", "application/json,", "application/json x", "application/json; charset=\"utf-8",
            "application/json, application/json", "application/json; charset=utf-8 x",
        "application/merge-patch+json, x", "application/merge-patch+json; charset=\"x",
        "multipart/form-data, multipart/form-data; boundary=b", "multipart/form-data; boundary=\"b",
        "application/x-www-form-urlencoded, application/json", "application/x-www-form-urlencoded; charset=\"x", "/", "*/*", "application/",
        "application/json; =", "\u00E9", "\u0001");

    [Theory]
    [MemberData(nameof(OddTypes))]
    public async Task An_invalid_media_type_is_415_on_every_route_that_reads_a_body(string type)
    {
        var user = await app.CreateUserAsync();
        var routes = app.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IAcceptsMetadata>() is not null).ToArray();
        routes.Length.ShouldBeGreaterThan(10);
        foreach (var route in routes)
        {
            var method = new HttpMethod(route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]);
            var path = Regex.Replace($"/{route.RoutePattern.RawText!.TrimStart('/')}", @"\{[^}]+\}", "1");
            var response = await SendAsync(method, path, type, """{"password":"x"}"""u8.ToArray(), user);
            response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType, $"{method} {route.RoutePattern.RawText}");
            await response.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
        }
    }

    [Theory]
    [InlineData("""{"x":1,"x":2}""")]
    [InlineData("""{"x":{"a":[{"b":1,"\u0062":2}]}}""")]
    [InlineData("""{"x":"\ud800"}""")]
    [InlineData("""{"x":{"a":["\udc00x"]}}""")]
    [InlineData("""{"x\ud800":1}""")]
    [InlineData("""{"x":"a\u0000b"}""")]
    [InlineData("""{"x":{"a\u0000b":1}}""")]
    [InlineData("""{"x\u0000":1}""")]
    public async Task Unknown_members_must_be_valid_JSON_too(string extra)
    {
        var user = await app.CreateUserAsync();
        var body = $"{{\"name\":\"New\",{extra[1..]}";
        foreach (var (method, type) in new[] { (HttpMethod.Put, "application/json"), (HttpMethod.Patch, "application/merge-patch+json") })
            await (await SendAsync(method, "/me", type, Encoding.ASCII.GetBytes(body), user))
                .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await app.ClientFor(user).GetStringAsync("/me", Cancellation)).ShouldContain("John Doe");
    }

    [Fact]
    public async Task Unknown_members_are_ignored() =>
        await (await SendAsync(HttpMethod.Put, "/me", "application/json",
            """{"name":"New","x":{"a":[{"b":1},{"b":"\ud83d\ude00"}],"b":[1,1]},"y":{"a":1}}"""u8.ToArray(), await app.CreateUserAsync()))
            .ShouldBeAsync(HttpStatusCode.OK);

    [Theory]
    [InlineData("application/x-www-form-urlencoded; charset=utf-7")]
    [InlineData("application/x-www-form-urlencoded; charset=bogus")]
    [InlineData("application/x-www-form-urlencoded; charset=")]
    public async Task The_deletion_page_s_form_may_have_any_charset(string type)
    {
        var response = await SendAsync(HttpMethod.Post, "/account/deletion", type, "email=a%40b.example"u8.ToArray());
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
    }

    static string Registration(string name) =>
        $$"""{"name":"{{name}}","email":"{{Guid.NewGuid():N}}@example.com","password":"plum-tram-94"}""";

    Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string type, byte[] body, TestUser? user = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        return (user is null ? app.Client : app.ClientFor(user)).SendAsync(request, Cancellation);
    }
}
