using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;

namespace Profiles.Tests;

/// <summary>The engine of this run: SQLite, or with <c>PROFILES_TEST_DATABASE=PostgreSql</c> databases in one PostgreSQL cluster.</summary>
static class TestDatabase
{
    static readonly Lazy<PostgreSqlCluster> Started = new(() => PostgreSqlCluster.StartAsync().GetAwaiter().GetResult());

    public static bool IsPostgreSql { get; } = Environment.GetEnvironmentVariable("PROFILES_TEST_DATABASE") switch
    {
        null or "Sqlite" => false,
        "PostgreSql" => true,
        var other => throw new InvalidOperationException($"PROFILES_TEST_DATABASE is Sqlite or PostgreSql, not {other}."),
    };

    /// <summary>The cluster that this run's tests share.</summary>
    public static PostgreSqlCluster Cluster => Started.Value;

    /// <summary>Ends the cluster, if any test has used it.</summary>
    public static ValueTask EndAsync() => Started.IsValueCreated ? Started.Value.DisposeAsync() : ValueTask.CompletedTask;

    /// <summary>
    /// The <c>ConnectionStrings:Profiles</c> for a service with this data directory: two services on one directory share a database. Null
    /// on SQLite.
    /// </summary>
    public static string? For(string dataDirectory)
    {
        if (!IsPostgreSql)
            return null;
        var name = $"test_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(dataDirectory)))[..24]}";
        lock (Known)
            return Known.Add(name) ? Cluster.CreateDatabase(name) : Cluster.ConnectionString(name);
    }

    /// <summary>A context for the database of a data directory, on PostgreSQL by the connection string of <see cref="For"/>.</summary>
    public static ProfilesDbContext Open(string dataDirectory, string? postgreSql) => postgreSql is null
        ? new SqliteProfilesDbContext(new DbContextOptionsBuilder<SqliteProfilesDbContext>()
            .UseSqlite($"Data Source={Path.Combine(dataDirectory, "profiles.db")};Pooling=false").Options)
        : new PostgreSqlProfilesDbContext(new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>()
            .UseNpgsql($"{postgreSql};Pooling=false").Options);

    /// <summary>The number of applied migrations in the database of a data directory.</summary>
    public static long AppliedMigrations(string dataDirectory)
    {
        using DbConnection connection = IsPostgreSql
            ? new NpgsqlConnection(For(dataDirectory))
            : new SqliteConnection($"Data Source={Path.Combine(dataDirectory, "profiles.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM \"__EFMigrationsHistory\"";
        return (long)command.ExecuteScalar()!;
    }

    static readonly HashSet<string> Known = [];
}
