using System.Net;

namespace Profiles.Tests.Data;

/// <summary>Many instances that start at the same moment.</summary>
[Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class ManyStartsTests
{
    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_instances_that_start_at_once_on_an_empty_database_all_come_up_and_migrate_it_once()
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
            var engine = TestDatabase.IsPostgreSql ? "PostgreSql" : "Sqlite";
            var migrations = Path.Combine(ArchitectureTests.Repository(), "Data", "Migrations", engine);
            TestDatabase.AppliedMigrations(data).ShouldBe(Directory.GetFiles(migrations, "*.Designer.cs").Length);
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }
    }
}
