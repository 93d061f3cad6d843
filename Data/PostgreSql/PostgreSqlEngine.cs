using System.Net;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Profiles.Data.PostgreSql;

/// <summary>PostgreSQL: a server that several instances share, and that may be away.</summary>
sealed class PostgreSqlEngine : DatabaseEngine
{
    /// <summary>Enough for the processors of one instance; three of them fit into a server's own default of 100.</summary>
    const int DefaultPoolSize = 25;

    /// <summary>Our migrations' turn among whatever else takes advisory locks in this database.</summary>
    const long MigrationLock = 0x50726f66696c6573;

    readonly NpgsqlConnectionStringBuilder settings;
    readonly ILogger log;
    readonly PostgreSqlTimeouts waiting = new();

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
        // The waits of a request are the deadline together: for a connection, for its command, and for the connection on which Npgsql says that it waits no longer.
        var seconds = (int)timeout.TotalSeconds;
        settings.Timeout = Math.Max(1, seconds / 5);
        settings.CommandTimeout = seconds - (2 * settings.Timeout);
        settings.CancellationTimeout = -1;
        // Asked for before TLS and hardly ever there: a frozen server would be waited for twice.
        Default("GSS Encryption Mode", () => settings.GssEncryptionMode = GssEncryptionMode.Disable);
        Default("Maximum Pool Size", () => settings.MaxPoolSize = DefaultPoolSize);
        Default("Application Name", () => settings.ApplicationName = "profiles");
        // The few statements of the slices are prepared where they are run, and nothing of ours leaves a trace in a session that a reset would remove.
        Default("Max Auto Prepare", () => settings.MaxAutoPrepare = 20);
        Default("Auto Prepare Min Usages", () => settings.AutoPrepareMinUsages = 2);
        Default("No Reset On Close", () => settings.NoResetOnClose = true);
    }

    public override bool IsMissing => false;

    public override Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct) => Task.FromResult<IReadOnlyList<string>>([]);

    public override bool MayBeUnavailable => true;

    public override void Configure(DbContextOptionsBuilder options) => options.UseNpgsql(settings.ToString()).AddInterceptors(waiting);

    public override ProfilesDbContext Context(IServiceProvider scope) => scope.GetRequiredService<PostgreSqlProfilesDbContext>();

    public override async Task MigrateAsync(CancellationToken ct)
    {
        // Not pooled, and with all the time that a migration takes.
        var patient = new NpgsqlConnectionStringBuilder(settings.ToString()) { Pooling = false, CommandTimeout = 0 }.ToString();
        await using var connection = new NpgsqlConnection(patient);
        await connection.OpenAsync(ct);
        if (await ScalarAsync("SHOW server_encoding") is not "UTF8")
            throw new DatabaseUnusableException("The database (ConnectionStrings__Profiles) must be made with the encoding UTF8.");
        await using var turn = await connection.BeginTransactionAsync(ct);
        // Held by the transaction: it ends with the process, whatever ends that, and passes a pooler.
        await ScalarAsync($"SELECT pg_advisory_xact_lock({MigrationLock})");
        await using var db = new PostgreSqlProfilesDbContext(new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql(patient).Options);
        // A role that may not change tables can run the service once somebody else has migrated it.
        if ((await db.Database.GetPendingMigrationsAsync(ct)).Any())
            await db.Database.MigrateAsync(ct);

        async Task<object?> ScalarAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(ct);
        }
    }

    // When the server goes, every pooled connection is dead, and whoever took one would be the one to find out. This one has nothing else to do: it breaks at once, and Npgsql then empties the pool.
    public override async Task WatchAsync(CancellationToken ct)
    {
        var isLost = false;
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(settings.ToString());
                await connection.OpenAsync(ct);
                if (isLost)
                    log.LogInformation("The database is there again.");
                isLost = false;
                while (true)
                    await connection.WaitAsync(ct);
            }
            catch (NpgsqlException e)
            {
                if (!isLost)
                    log.LogWarning("The database was lost: {Reason}", e.Message);
                isLost = true;
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
            }
        }
    }

    void Default(string keyword, Action set)
    {
        if (!settings.ShouldSerialize(keyword))
            set();
    }
}
