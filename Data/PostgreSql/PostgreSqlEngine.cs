using System.Data.Common;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Profiles.Data.PostgreSql;

/// <summary>PostgreSQL: a server that several instances share and that may be unavailable.</summary>
sealed class PostgreSqlEngine : DatabaseEngine
{
    /// <summary>The migration after which nothing is pending.</summary>
    public const string LatestMigration = "20261129195307_OperatorTables";

    /// <summary>Enough for one instance's processors; three instances fit into a server's default of 100 connections.</summary>
    const int DefaultPoolSize = 25;

    /// <summary>The key of the migrations' advisory lock.</summary>
    const long MigrationLock = 0x50726f66696c6573;

    readonly NpgsqlConnectionStringBuilder settings;
    readonly string connectionString;
    readonly ILogger log;
    readonly PostgreSqlTimeouts timeouts = new();

    public PostgreSqlEngine(string configured, TimeSpan timeout, ILogger<PostgreSqlEngine> logger)
    {
        log = logger;
        try
        {
            settings = new(configured);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
        {
            throw DatabaseAddress.Refusal();
        }
        if (settings.Port > IPEndPoint.MaxPort || string.IsNullOrWhiteSpace(settings.Host))
            throw DatabaseAddress.Refusal();
        // A request's waits add up to the timeout: for a connection, for its command, and for the connection on which Npgsql cancels that.
        var seconds = (int)timeout.TotalSeconds;
        settings.Timeout = Math.Max(1, seconds / 5);
        settings.CommandTimeout = seconds - (2 * settings.Timeout);
        settings.CancellationTimeout = -1;
        // Npgsql asks for GSS before TLS; few servers have it, and a hanging server would cost the timeout twice.
        Default("GSS Encryption Mode", () => settings.GssEncryptionMode = GssEncryptionMode.Disable);
        Default("Maximum Pool Size", () => settings.MaxPoolSize = DefaultPoolSize);
        Default("Application Name", () => settings.ApplicationName = "profiles");
        // The slices run few different statements, so they are prepared; none of them leaves session state that a reset would clear.
        Default("Max Auto Prepare", () => settings.MaxAutoPrepare = 20);
        Default("Auto Prepare Min Usages", () => settings.AutoPrepareMinUsages = 2);
        Default("No Reset On Close", () => settings.NoResetOnClose = true);
        connectionString = settings.ToString();
    }

    public override bool IsMissing => false;

    public override Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public override bool MayBeUnavailable => true;

    public override void Configure(DbContextOptionsBuilder options) =>
        options.UseNpgsql(connectionString).AddInterceptors(timeouts);

    public override ProfilesDbContext Context(IServiceProvider scope) => scope.GetRequiredService<PostgreSqlProfilesDbContext>();

    public override ValueTask<SessionUser?> FindUserAsync(long id, long sessionId, CancellationToken ct) =>
        new(ProfilesDbContext.ReadAsync(() => ReadUserAsync(id, sessionId, ct)));

    public override async Task MigrateAsync(CancellationToken ct)
    {
        // Not pooled, and without a timeout: a migration may take long.
        var forMigrations = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0 }.ToString();
        await using var connection = new NpgsqlConnection(forMigrations);
        await connection.OpenAsync(ct);
        if (await ScalarAsync("SHOW server_encoding") is not "UTF8")
            throw new DatabaseUnusableException("The database (ConnectionStrings__Profiles) must be made with the encoding UTF8.");
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // The transaction holds the lock, so it ends with the process and works behind a connection pooler.
        await ScalarAsync($"SELECT pg_advisory_xact_lock({MigrationLock})");
        if (await IsCurrentAsync(ct))
            return;
        var options = new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql(forMigrations).Options;
        await using var db = new PostgreSqlProfilesDbContext(options);
        // A role without the right to change tables can run the service on a schema that another role has migrated.
        if ((await db.Database.GetPendingMigrationsAsync(ct)).Any())
            await db.Database.MigrateAsync(ct);

        async Task<object?> ScalarAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(ct);
        }
    }

    // Outside the transaction, which would keep the table from the migrations.
    async Task<bool> IsCurrentAsync(CancellationToken ct) =>
        await ReadAsync("SELECT to_regclass('\"__EFMigrationsHistory\"')::text", ct) is string history
        && await ReadAsync($"SELECT 1 FROM {history} WHERE \"MigrationId\" = '{LatestMigration}'", ct) is not null;

    protected override DbConnection Connect() => new NpgsqlConnection(connectionString);

    // When the server is lost, every pooled connection is broken, and the next requests would fail on them. This idle connection notices at
    // once, and Npgsql then clears the pool.
    public override async Task WatchAsync(CancellationToken ct)
    {
        var isLost = false;
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync(ct);
                if (isLost)
                    log.LogInformation("The database is available again.");
                isLost = false;
                while (true)
                    await connection.WaitAsync(ct);
            }
            catch (NpgsqlException e)
            {
                if (!isLost)
                    log.LogWarning("The connection to the database was lost; the service reconnects: {Reason}", e.Message);
                isLost = true;
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
            }
        }
    }

    // From the pool that EF Core uses too; the driver prepares the statement when it comes again.
    async Task<SessionUser?> ReadUserAsync(long id, long sessionId, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(ct);
        await using var query = new NpgsqlCommand(SessionUser.Query, connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = id }, new NpgsqlParameter<long> { TypedValue = sessionId } },
        };
        await using var rows = await query.ExecuteReaderAsync(ct);
        return await rows.ReadAsync(ct) ? SessionUser.Of(rows) : null;
    }

    void Default(string keyword, Action set)
    {
        if (!settings.ShouldSerialize(keyword))
            set();
    }
}
