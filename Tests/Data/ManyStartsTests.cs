using System.Net;

namespace Profiles.Tests.Data;

/// <summary>Many instances that start in the same moment.</summary>
[Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class ManyStartsTests
{
    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_that_start_at_once_on_an_empty_database_all_come_up_and_it_is_migrated_once()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ServerProcess.StartAsync(("DataDirectory", data))));
        try
        {
            using var user = await ServerUser.SignUpAsync(servers[0], Token);
            foreach (var server in servers)
            {
                using var client = new HttpClient { BaseAddress = server.Address };
                client.DefaultRequestHeaders.Authorization = user.Client.DefaultRequestHeaders.Authorization;
                (await client.GetAsync("/me", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
            }
            TestDatabase.AppliedMigrations(data).ShouldBe(Directory.GetFiles(Path.Combine(ArchitectureTests.Repository(), "Data", "Migrations", TestDatabase.IsPostgreSql ? "PostgreSql" : "Sqlite"), "*.Designer.cs").Length);
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }
    }
}
