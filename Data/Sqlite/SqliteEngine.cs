using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Profiles.Data.Sqlite;

/// <summary>SQLite: a file beside the service. It is made whole or not at all, and never overwritten.</summary>
sealed class SqliteEngine : DatabaseEngine, IDisposable
{
    /// <summary>The system's number for "somebody else has it" (EWOULDBLOCK, a sharing violation), as .NET hands it on.</summary>
    static readonly int WouldBlock = OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11;

    static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(10);

    readonly string connectionString;
    readonly string patientString;
    readonly string file;
    readonly bool mayCreate;
    readonly SqliteLockRetry waiting;
    readonly PersistentSqliteConnection.Source connections;

    public SqliteEngine(string configured, TimeSpan timeout)
    {
        SqliteConnectionStringBuilder builder;
        try
        {
            builder = new(configured);
        }
        catch (ArgumentException)
        {
            throw DatabaseAddress.Refusal();
        }
        if (builder.DataSource.Length == 0 || builder.DataSource.StartsWith(':') || builder.DataSource.StartsWith("file:", StringComparison.Ordinal) || builder.Mode == SqliteOpenMode.Memory)
            throw new DatabaseUnusableException("ConnectionStrings__Profiles must name a file (Data Source=…): a database in memory would be gone with the process.");
        file = builder.DataSource = Path.GetFullPath(builder.DataSource);
        mayCreate = builder.Mode == SqliteOpenMode.ReadWriteCreate;
        // Deletion rests on it.
        builder.ForeignKeys = true;
        builder.DefaultTimeout = SqliteLockRetry.NoRetryByTheLibrary;
        connectionString = builder.ToString();
        waiting = new(timeout);
        // At the start nobody else needs the thread.
        builder.DefaultTimeout = (int)timeout.TotalSeconds;
        builder.Pooling = false;
        patientString = builder.ToString();
        connections = new(connectionString);
    }

    public override bool MayBeUnavailable => false;

    public override void Configure(DbContextOptionsBuilder options) => options.UseSqlite(connectionString).AddInterceptors(connections, ConnectionPragmas.Instance, waiting);

    public override ProfilesDbContext Context(IServiceProvider scope) => scope.GetRequiredService<SqliteProfilesDbContext>();

    public override async Task MigrateAsync(CancellationToken ct)
    {
        await using var turn = await TakeTurnAsync(ct);
        if (!File.Exists(file) && mayCreate)
            await CreateAsync(ct);
        else if (File.Exists(file) && new FileInfo(file).Length == 0)
            throw new DatabaseUnusableException("The database file (ConnectionStrings__Profiles, or profiles.db in DataDirectory) is empty. Restore it, or remove it to begin anew.");
        else
            await CheckAsync(ct);
        await using var db = Open(patientString);
        if ((await db.Database.GetPendingMigrationsAsync(ct)).Any())
        {
            // EF Core's own lock is a row, which outlives a process that was killed; ours is held by whoever lives.
            await db.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", ct);
            await db.Database.MigrateAsync(ct);
        }
        await UseWriteAheadLogAsync(db, ct);
    }

    public override Task WatchAsync(CancellationToken ct) => Task.CompletedTask;

    public override bool IsMissing => !File.Exists(file);

    public override async Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct)
    {
        var integrity = await db.Database.SqlQueryRaw<string>("SELECT integrity_check AS Value FROM pragma_integrity_check").ToListAsync(ct);
        var references = await db.Database.SqlQueryRaw<string>("SELECT \"table\" AS Value FROM pragma_foreign_key_check").ToListAsync(ct);
        return [.. integrity.Where(i => i != "ok").Select(i => $"The database file is damaged: {i}."), .. references.Select(t => $"A row of {t} refers to one that is not there.")];
    }

    public void Dispose() => waiting.Dispose();

    // Read-only, because the last to close a file writes the log beside it into it, and one that is damaged is left as it is. (A journal must be rolled back first.)
    async Task CheckAsync(CancellationToken ct)
    {
        var mode = File.Exists(file + "-journal") ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadOnly;
        await using var db = Open(new SqliteConnectionStringBuilder(patientString) { Mode = mode }.ToString());
        if (await db.Database.SqlQueryRaw<string>("SELECT quick_check AS Value FROM pragma_quick_check LIMIT 1").SingleAsync(ct) != "ok")
            throw new DatabaseUnusableException("The database file (ConnectionStrings__Profiles, or profiles.db in DataDirectory) is damaged. Restore it; it was left as it is.");
    }

    // Beside its place, then renamed: a start that is killed half-way leaves no half of a database.
    async Task CreateAsync(CancellationToken ct)
    {
        if (File.Exists(file + "-wal"))
            throw new DatabaseUnusableException("The database file (ConnectionStrings__Profiles, or profiles.db in DataDirectory) is gone, but its write-ahead log (-wal) is there. Restore the one or remove the other.");
        var fresh = file + ".new";
        foreach (var remainder in new[] { fresh, fresh + "-wal", fresh + "-shm", fresh + "-journal" })
            File.Delete(remainder);
        await using (var db = Open(new SqliteConnectionStringBuilder(patientString) { DataSource = fresh }.ToString()))
        {
            await db.Database.MigrateAsync(ct);
            await UseWriteAheadLogAsync(db, ct);
        }
        // One step, and safe under the lock: without overwriting it would be two.
        File.Move(fresh, file, overwrite: true);
    }

    // Kept in the file: readers do not wait for the writer.
    static Task<int> UseWriteAheadLogAsync(SqliteProfilesDbContext db, CancellationToken ct) => db.Database.ExecuteSqlRawAsync("PRAGMA journal_mode=WAL", ct);

    static SqliteProfilesDbContext Open(string connectionString) =>
        new(new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite(connectionString).AddInterceptors(ConnectionPragmas.Instance).Options);

    async Task<FileStream> TakeTurnAsync(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(LongestMigration);
        while (true)
        {
            try
            {
                return new FileStream(file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e.HResult == WouldBlock)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), patience.Token);
            }
        }
    }

    // What SQLite keeps per connection and not in the file: an acknowledged write survives a power cut (with WAL that needs FULL), and what is deleted is overwritten.
    sealed class ConnectionPragmas : DbConnectionInterceptor
    {
        public static readonly ConnectionPragmas Instance = new();

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON";
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData);
            return Task.CompletedTask;
        }
    }
}
