using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>What the start knows about the migrations without EF Core.</summary>
[Trait("Database", "Sqlite")]
public sealed class SchemaTests
{
    // EF Core makes its lock's table when it needs it.
    const string Objects = "(SELECT * FROM sqlite_schema WHERE name <> '__EFMigrationsLock' ORDER BY rowid)";

    // The tables and indexes that SQLite does not make itself, in their order, and the history, which has the migrations in theirs.
    const string Script = $"""
        SELECT sql || ';' FROM {Objects} WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'
        UNION ALL
        SELECT printf('INSERT INTO "__EFMigrationsHistory" VALUES (%Q, %Q);', "MigrationId", "ProductVersion") FROM "__EFMigrationsHistory"
        """;

    const string Everything = $"""
        SELECT concat_ws('|', type, name, tbl_name, sql) FROM {Objects}
        UNION ALL SELECT concat_ws('|', "MigrationId", "ProductVersion") FROM "__EFMigrationsHistory"
        UNION ALL SELECT concat_ws('|', name, seq) FROM sqlite_sequence
        UNION ALL SELECT concat_ws('|', encoding, page_size, auto_vacuum, user_version, journal_mode)
            FROM pragma_encoding, pragma_page_size, pragma_auto_vacuum, pragma_user_version, pragma_journal_mode
        """;

    readonly string data = TemporaryDirectory.Make("data");

    [Fact]
    public async Task A_fresh_file_is_byte_for_byte_what_the_migrations_make()
    {
        var (migrated, fresh) = (Path.Combine(data, "migrated.db"), Path.Combine(data, "fresh.db"));
        await using (var db = Sqlite(migrated))
        {
            await db.Database.MigrateAsync(TestContext.Current.CancellationToken);
            await db.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", TestContext.Current.CancellationToken);
        }
        var script = string.Join('\n', Read(migrated, Script)) + '\n';
        if (Environment.GetEnvironmentVariable("PROFILES_RENEW_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(ScriptFile(), script, TestContext.Current.CancellationToken);
            Assert.Fail("Data/Sqlite/schema.sql was renewed: read the difference, build, and run the tests without PROFILES_RENEW_GOLDEN.");
        }
        (await File.ReadAllTextAsync(ScriptFile(), TestContext.Current.CancellationToken)).ShouldBe(script,
            "The migrations have changed: run this test with PROFILES_RENEW_GOLDEN=1 and commit Data/Sqlite/schema.sql.");
        using var engine = new SqliteEngine($"Data Source={fresh}", TimeSpan.FromSeconds(5));
        await engine.MigrateAsync(TestContext.Current.CancellationToken);
        var made = Read(migrated, Everything);
        made.Count.ShouldBeGreaterThan(30);
        Read(fresh, Everything).ShouldBe(made);
    }

    [Fact]
    public void The_engines_know_the_latest_migration()
    {
        using var sqlite = Sqlite("none");
        using var postgreSql = new PostgreSqlProfilesDbContext(
            new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql("Host=none").Options);
        (SqliteEngine.LatestMigration, PostgreSqlEngine.LatestMigration)
            .ShouldBe((sqlite.Database.GetMigrations().Last(), postgreSql.Database.GetMigrations().Last()));
    }

    [Fact]
    public async Task A_file_that_lacks_the_latest_migration_is_migrated()
    {
        var file = Path.Combine(data, "old.db");
        await using (var db = Sqlite(file))
            await db.Database.MigrateAsync("Outbox", TestContext.Current.CancellationToken);
        using var engine = new SqliteEngine($"Data Source={file}", TimeSpan.FromSeconds(5));
        await engine.MigrateAsync(TestContext.Current.CancellationToken);
        Read(file, """SELECT max("MigrationId") FROM "__EFMigrationsHistory" """).ShouldBe([SqliteEngine.LatestMigration]);
    }

    static SqliteProfilesDbContext Sqlite(string file) =>
        new(new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite($"Data Source={file};Pooling=false").Options);

    static List<string> Read(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        connection.Open();
        using var command = new SqliteCommand(sql, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
            rows.Add(reader.GetString(0));
        return rows;
    }

    static string ScriptFile([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "../../Data/Sqlite/schema.sql"));
}
