using System.Net;
using Microsoft.EntityFrameworkCore;
using Profiles.Infrastructure.Admin;

namespace Profiles.Tests.Infrastructure.Admin;

/// <summary>The admin API on a real port of its own.</summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class AdminServerTests
{
    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_port_serves_the_admin_API_alone_and_the_log_names_the_key()
    {
        var (port, data, (key, hash)) = (FreePort.Take(), TemporaryDirectory.Make("admin"), AdminKeys.Make());
        await using var server = await ServerProcess.StartAsync(("DataDirectory", data), ("Admin__Port", $"{port}"));
        await using (var db = TestDatabase.Open(data, null))
        {
            await db.Database.ExecuteSqlAsync($"""
                INSERT INTO admin_keys (name, hash, scopes, created_at)
                VALUES ('support', {hash}, {AdminScopes.UsersRead}, '2026-01-01 00:00:00')
                """, Token);
        }
        // Not held to the documents: what one port answers, another does not.
        using var admin = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        using var client = new HttpClient { BaseAddress = server.Address };
        admin.DefaultRequestHeaders.Authorization = client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        // Under any name: the network decides who gets here.
        admin.DefaultRequestHeaders.Host = "any.example";
        await (await admin.GetAsync("/admin/users", Token)).ShouldBeAsync(HttpStatusCode.OK);
        await (await client.GetAsync("/admin/users", Token)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await admin.GetAsync("/upload-policy", Token)).ShouldBeProblemAsync(HttpStatusCode.NotFound);
        await (await client.GetAsync("/upload-policy", Token)).ShouldBeAsync(HttpStatusCode.OK);
        var form = new FormUrlEncodedContent([new("token", "x")]);
        await (await client.PostAsync("/token/introspect", form, Token)).ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        // Lines are written some time later.
        for (var tries = 0; tries < 50 && !server.Output.Contains("/token/introspect", StringComparison.Ordinal); tries++)
            await Task.Delay(100, Token);
        foreach (var route in new[] { "/admin/users answered 200", "/token/introspect answered 403" })
            server.Output.ShouldMatch($"{route} in [0-9.]+ ms for key support\\.\"");
        server.Output.ShouldNotContain(key);
    }
}
