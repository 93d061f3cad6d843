using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Profiles.Data;
using Profiles.Data.PostgreSql;

namespace Profiles.Tests.Data;

/// <summary>Instances of the version before serve on while a new one migrates.</summary>
[Trait("Database", "PostgreSql")]
public sealed class MigrationLockTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_migration_does_not_wait_behind_a_backup_with_all_requests_behind_it()
    {
        var ct = TestContext.Current.CancellationToken;
        var connection = $"{TestDatabase.Cluster.CreateDatabase()};Pooling=false";
        await using (var db = new PostgreSqlProfilesDbContext(
            new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql(connection).Options))
            await db.GetService<IMigrator>().MigrateAsync("Registrations", ct);
        var engine = new PostgreSqlEngine(connection, TimeSpan.FromSeconds(10), NullLogger<PostgreSqlEngine>.Instance);
        await using var reader = new NpgsqlConnection(connection);
        await reader.OpenAsync(ct);
        await using (await reader.BeginTransactionAsync(ct))
        {
            await using var backup = new NpgsqlCommand("SELECT count(*) FROM users", reader);
            await backup.ExecuteScalarAsync(ct);
            var refused = await Should.ThrowAsync<Exception>(engine.MigrateAsync(ct).WaitAsync(Patience, ct));
            DatabaseErrors.Sentence(refused).ShouldNotBeNull().ShouldStartWith(PostgresErrorCodes.LockNotAvailable);
            // So the start retries.
            DatabaseErrors.MayRecover(refused).ShouldBeTrue();
        }
        await engine.MigrateAsync(ct).WaitAsync(Patience, ct);
        await using var latest = new NpgsqlCommand("""SELECT max("MigrationId") FROM "__EFMigrationsHistory" """, reader);
        (await latest.ExecuteScalarAsync(ct)).ShouldBe(PostgreSqlEngine.LatestMigration);
    }
}
