using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;
using Profiles.Data.Tables;

namespace Profiles.Data.PostgreSql;

/// <summary>PostgreSQL: a server that several instances share and that may be unavailable.</summary>
sealed class PostgreSqlEngine : DatabaseEngine
{
    /// <summary>The migration after which nothing is pending.</summary>
    public const string LatestMigration = "20261130020705_WaysIn";

    /// <summary>Enough for one instance's processors; three instances fit into a server's default of 100 connections.</summary>
    const int DefaultPoolSize = 25;

    /// <summary>The key of the migrations' advisory lock.</summary>
    const long MigrationLock = 0x50726f66696c6573;

    const string HistoryTable = "SELECT to_regclass('\"__EFMigrationsHistory\"')::text";

    /// <summary>Five seconds until a stopped service's connections must have ended.</summary>
    const int MostLooks = 25;

    static readonly string TakeMigrationLock =
        string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock({MigrationLock})");

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
        // The values of a refused row are not for logs and traces.
        settings.IncludeErrorDetail = false;
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

    // Not pooled, and without a timeout: a migration may take long.
    string ForLongWork => new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0 }.ToString();

    public override bool IsMissing => false;

    public override Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public override DatabaseProvider Provider => DatabaseProvider.PostgreSql;

    public override bool MayBeUnavailable => true;

    public override void Configure(DbContextOptionsBuilder options) =>
        options.UseNpgsql(connectionString).AddInterceptors(timeouts);

    public override ProfilesDbContext Context(IServiceProvider scope) => scope.GetRequiredService<PostgreSqlProfilesDbContext>();

    public override ValueTask<SessionUser?> FindUserAsync(long id, long sessionId, CancellationToken ct) =>
        new(ProfilesDbContext.ReadAsync(() => ReadUserAsync(id, sessionId, ct)));

    public override async Task MigrateAsync(CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(ForLongWork);
        await connection.OpenAsync(ct);
        if (await ScalarAsync("SHOW server_encoding") is not "UTF8")
            throw WronglyEncoded();
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // The transaction holds the lock, so it ends with the process and works behind a connection pooler.
        await ScalarAsync(TakeMigrationLock);
        if (await IsCurrentAsync(ct))
            return;
        var options = new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql(ForLongWork).Options;
        await using var db = new PostgreSqlProfilesDbContext(options);
        // A role without the right to change tables can run the service on a schema that another role has migrated.
        if ((await db.Database.GetPendingMigrationsAsync(ct)).Any())
            await db.Database.MigrateAsync(ct);

        Task<object?> ScalarAsync(string sql) => PostgreSqlEngine.ScalarAsync(connection, sql, ct);
    }

    public override async Task<bool> HasRowsAsync(CancellationToken ct) =>
        await ReadAsync(HistoryTable, ct) is string && (!await IsCurrentAsync(ct) || await ReadAsync(AnyRow, ct) is not null);

    public override async Task<TableTransaction> ReadTablesAsync(bool alone, CancellationToken ct) =>
        await IsCurrentAsync(ct)
            ? await BeginAsync(IsolationLevel.RepeatableRead, alone, (_, _) => Task.CompletedTask, ct)
            : throw Outdated();

    public override Task<TableTransaction> ReplaceTablesAsync(CancellationToken ct) =>
        BeginAsync(IsolationLevel.ReadCommitted, alone: true, EmptyAsync, ct);

    // Outside the transaction, which would keep the table from the migrations.
    async Task<bool> IsCurrentAsync(CancellationToken ct) =>
        await ReadAsync(HistoryTable, ct) is string history
        && await ReadAsync($"SELECT 1 FROM {history} WHERE \"MigrationId\" = '{LatestMigration}'", ct) is not null;

    async Task<TableTransaction> BeginAsync(
        IsolationLevel isolation, bool alone, Func<NpgsqlConnection, CancellationToken, Task> prepare, CancellationToken ct)
    {
        // Before the transaction, which must see what others have committed until they ended.
        var reservation = alone ? await ReserveAsync(ct) : null;
        NpgsqlConnection? connection = null;
        try
        {
            (connection, var transaction) = await OpenAsync(isolation, ct);
            await prepare(connection, ct);
            return new PostgreSqlTables(connection, transaction, reservation);
        }
        catch
        {
            if (connection is not null)
                await connection.DisposeAsync();
            if (reservation is not null)
                await reservation.DisposeAsync();
            throw;
        }
    }

    // A transaction holds the lock, as of the migrations, which keeps an instance that starts waiting.
    async Task<NpgsqlConnection> ReserveAsync(CancellationToken ct)
    {
        await using (var pooled = new NpgsqlConnection(connectionString))
            NpgsqlConnection.ClearPool(pooled);
        var (connection, _) = await OpenAsync(IsolationLevel.ReadCommitted, ct);
        try
        {
            await ScalarAsync(connection, TakeMigrationLock, ct);
            // A server notices some time later that a client is gone.
            for (var looks = 0; await IsUsedByOthersAsync(connection, ct); looks++)
            {
                if (looks == MostLooks)
                    throw InUse();
                await Task.Delay(TimeSpan.FromMilliseconds(200), ct);
            }
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    async Task<bool> IsUsedByOthersAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // A transaction sees the sessions of its first look until it asks for a second one.
        await ScalarAsync(connection, "SELECT pg_stat_clear_snapshot()", ct);
        // Only pg_read_all_stats sees the type of another role's session.
        await using var command = new NpgsqlCommand(
            """
            SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND coalesce(backend_type, 'client backend') = 'client backend'
                AND (usename = current_user OR application_name = $1) LIMIT 1
            """,
            connection)
        { Parameters = { new() { Value = settings.ApplicationName } } };
        return await command.ExecuteScalarAsync(ct) is not null;
    }

    async Task<(NpgsqlConnection, NpgsqlTransaction)> OpenAsync(IsolationLevel isolation, CancellationToken ct)
    {
        var connection = new NpgsqlConnection(ForLongWork);
        try
        {
            await connection.OpenAsync(ct);
            var transaction = await connection.BeginTransactionAsync(isolation, ct);
            await ScalarAsync(connection, "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0", ct);
            return (connection, transaction);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    // The migrations as statements of this transaction: EF Core itself would commit each of them.
    static async Task EmptyAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (await ScalarAsync(connection, "SHOW server_encoding", ct) is not "UTF8")
            throw WronglyEncoded();
        var applied = await ScalarAsync(connection, HistoryTable, ct) is string history
            ? await ScalarAsync(connection, $"SELECT max(\"MigrationId\") FROM {history}", ct) as string : null;
        if (applied != LatestMigration)
        {
            await using var db = new PostgreSqlProfilesDbContext(
                new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql(connection).Options);
            if (applied is not null && !db.Database.GetMigrations().Contains(applied))
                throw new DatabaseUnusableException("The database is newer than this program.");
            await ScalarAsync(connection, db.GetService<IMigrator>().GenerateScript(
                applied, options: MigrationsSqlGenerationOptions.NoTransactions), ct);
        }
        await ScalarAsync(connection, $"TRUNCATE {string.Join(", ", Table.All.Select(t => $"\"{t.Name}\""))}", ct);
    }

    static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(ct);
    }

    static DatabaseUnusableException WronglyEncoded() =>
        new("The database (ConnectionStrings__Profiles) must be made with the encoding UTF8.");

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
