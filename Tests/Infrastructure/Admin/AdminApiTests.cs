using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Http;
using Profiles.Tests.Infrastructure.OpenApi;

namespace Profiles.Tests.Infrastructure.Admin;

/// <summary>The port, the keys and the scopes of the admin API.</summary>
public sealed class AdminApiTests(AdminFixture app) : TestBase<AdminFixture>
{
    [Fact]
    public async Task Every_route_of_the_admin_API_needs_a_key_with_its_scope_and_no_other_route_takes_one()
    {
        var (none, user) = (await app.CreateKeyAsync(AdminScopes.TokensIntrospect), await app.CreateUserAsync());
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Select(r => (Path: $"/{r.RoutePattern.RawText!.Trim('/')}", r.Metadata.GetMetadata<AdminEndpointAttribute>()?.Scope,
                Method: r.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0])).ToArray();
        routes.Where(r => r.Path.StartsWith("/admin", StringComparison.OrdinalIgnoreCase) && r.Path != "/admin/openapi.json")
            .ShouldAllBe(r => r.Scope != null);
        var admin = routes.Where(r => r.Scope is not null).ToArray();
        admin.Length.ShouldBe(9);
        admin.ShouldAllBe(r => r.Path.StartsWith("/admin/", StringComparison.Ordinal));
        foreach (var (path, scope, method) in admin)
        {
            var address = path.Replace("{id:long:min(1)}", $"{user.Id}");
            foreach (var wrong in new[] { null, "", "pak_", AdminKeys.Make().Key, user.Token, new string('x', 5000) })
            {
                using var stranger = app.ClientWith(wrong);
                var refused = await stranger.SendAsync(new(new(method!), address), Cancellation);
                (await refused.ShouldBeProblemAsync(HttpStatusCode.Unauthorized)).GetProperty("code").GetString()
                    .ShouldBe("invalid_admin_key", address);
            }
            foreach (var other in AdminScopes.All.Where(s => s != scope))
            {
                using var client = app.ClientWith(await app.CreateKeyAsync(other));
                var response = await client.SendAsync(new(new(method!), address), Cancellation);
                (await response.ShouldBeProblemAsync(HttpStatusCode.Forbidden)).GetProperty("code").GetString()
                    .ShouldBe("insufficient_scope", address);
                response.Headers.WwwAuthenticate.ShouldHaveSingleItem().Parameter
                    .ShouldBe($"error=\"insufficient_scope\", scope=\"{scope}\"");
            }
        }
        // The user is as before.
        await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        using var withKey = app.CreateClient();
        withKey.DefaultRequestHeaders.Authorization = new("Bearer", none);
        await (await withKey.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task The_public_port_has_no_admin_API_and_the_admin_port_nothing_else()
    {
        // Not held to the documents: what one port answers, another does not.
        using var admin = app.Server.CreateClient();
        using var client = app.Server.CreateClient();
        admin.DefaultRequestHeaders.Authorization = client.DefaultRequestHeaders.Authorization =
            new("Bearer", await app.CreateKeyAsync());
        admin.DefaultRequestHeaders.Add(RequestPorts.Header, $"{AdminFixture.Port}");
        await (await admin.GetAsync("/admin/users?limit=1", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        foreach (var path in new[] { "/admin/users", "/ADMIN/users", "/%61dmin/users", "/admin/openapi.json", "/admin/audit", "/admin" })
            await (await client.GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        foreach (var path in new[] { "/me", "/", "/swagger", "/openapi/v1.json", "/upload-policy", "/admin", "/admin/users/0" })
            await (await admin.GetAsync(path, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await admin.PostAsync("/admin/users", null, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_and_the_log_has_names_and_no_keys()
    {
        var name = AdminFixture.NewKeyName();
        var made = await app.RunAsync("admin-keys", "create", name, "--scope", AdminScopes.UsersRead);
        var key = made.Output.Trim();
        key.ShouldMatch("^pak_[A-Za-z0-9_-]{43}$");
        using var client = app.ClientWith(key);
        await (await client.GetAsync("/admin/users?limit=1", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        (await app.RunAsync("admin-keys", "revoke", name)).ExitCode.ShouldBe(0);
        await (await client.GetAsync("/admin/users?limit=1", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await app.RunAsync("admin-keys", "revoke", name)).ShouldBe((1, "", "There is no such key.\n"));
        var log = await app.QueryAsync(db => db.AuditLog.Where(e => e.Detail!.StartsWith(name)).OrderBy(e => e.Id).ToListAsync());
        log.Select(e => (e.Action, e.Actor, e.Detail)).ShouldBe(
        [
            ("admin_key.created", $"command:{Environment.UserName}", $"{name}: {AdminScopes.UsersRead}"),
            ("admin_key.revoked", $"command:{Environment.UserName}", name),
        ]);
    }

    [Theory]
    [InlineData("Admin__Port", "0", "Admin__Port must be between 1 and 65535.")]
    [InlineData("Admin__Port", "x", "Admin__Port is not a valid value for this setting.")]
    [InlineData("Admin__Address", "localhost", "Admin__Address must be an IP address.")]
    [InlineData("Audit__Retention", "23:00:00", "Audit__Retention must be between 1.00:00:00 and 3650.00:00:00.")]
    public async Task A_setting_that_makes_no_sense_stops_the_start(string name, string value, string sentence)
    {
        var refused = await Refusal.InProcessAsync((name, value));
        refused.ShouldBe((1, $"Profiles cannot start: {sentence}\n"));
    }

    [Fact]
    public async Task The_document_of_the_admin_API_is_the_committed_one()
    {
        using var client = app.ClientWith(null);
        var response = await client.GetAsync("/admin/openapi.json", Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var document = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!;
        document["paths"]!.AsObject().ShouldAllBe(p => p.Key.StartsWith("/admin/"));
        await OpenApiTests.ShouldBeCommittedAsync(document, "openapi.admin.json");
        // The public document is the same with an admin API.
        var own = await app.Client.GetFromJsonAsync<JsonNode>("/openapi/v1.json", Cancellation);
        own!["paths"]!.AsObject().ShouldAllBe(p => !p.Key.StartsWith("/admin"));
    }
}

/// <summary>A service with an admin API that refuses an address after three wrong keys, and another port of its own.</summary>
public sealed class FewKeysFixture : AdminFixture
{
    public const int OtherPort = 10;

    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        a.UseSetting("Limits:AdminKeyFailures", "3");
    }

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        s.AddSingleton(new ExtraListener("Other__Port", "/other", new(IPAddress.Loopback, OtherPort)));
    }
}

public sealed class AdminKeyLimitTests(FewKeysFixture app) : TestBase<FewKeysFixture>
{
    [Fact]
    public async Task An_address_with_many_wrong_keys_is_refused_and_others_are_not()
    {
        var key = await app.CreateKeyAsync();
        using var right = app.ClientWith(key);
        using var wrong = app.ClientWith(AdminKeys.Make().Key);
        for (var i = 0; i < 10; i++)
            await (await AskAsync(right, "203.0.113.5")).ShouldBeAsync(HttpStatusCode.OK);
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
            answers.Add((await AskAsync(wrong, "203.0.113.5")).StatusCode);
        answers.ShouldBe([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 4), .. Enumerable.Repeat(HttpStatusCode.TooManyRequests, 2)]);
        var refused = await AskAsync(right, "203.0.113.5");
        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests);
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        await (await AskAsync(right, "203.0.113.77")).ShouldBeAsync(HttpStatusCode.OK);
        // Other routes and ports are not affected.
        await (await app.Client.SendAsync(ClientAddresses.From("203.0.113.5", HttpMethod.Get, "/upload-policy"), Cancellation))
            .ShouldBeAsync(HttpStatusCode.OK);
        var other = ClientAddresses.From("203.0.113.5", HttpMethod.Get, "/other");
        other.Headers.Add(RequestPorts.Header, $"{FewKeysFixture.OtherPort}");
        using var client = app.Server.CreateClient();
        await (await client.SendAsync(other, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.NotFound);

        Task<HttpResponseMessage> AskAsync(HttpClient client, string address) =>
            client.SendAsync(ClientAddresses.From(address, HttpMethod.Get, "/admin/users?limit=1"), Cancellation);
    }
}
