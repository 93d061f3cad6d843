using System.Data.Common;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Update;
using Profiles.Data.Tables;
using SQLitePCL;

namespace Profiles.Data.Sqlite;

/// <summary>SQLite: a file beside the service, created completely or not at all and never overwritten.</summary>
sealed class SqliteEngine : DatabaseEngine, IDisposable
{
    /// <summary>
    /// The system's error number for a file that another process has locked (EWOULDBLOCK, a sharing violation), as .NET reports it.
    /// </summary>
    static readonly int WouldBlock = OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11;

    /// <summary>For the connection string: the library fails at once. (Its 0 means forever.)</summary>
    const int NoRetryByTheLibrary = -1;

    /// <summary>The size in bytes up to which a file is checked before the service serves. SQLite reads it in some 100 ms.</summary>
    public const long CheckedAtOnce = 64 * 1024 * 1024;

    static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(10);

    /// <summary>The migration after which nothing is pending.</summary>
    public const string LatestMigration = "20261130020656_WaysIn";

    /// <summary>The name of the resource that creates what all migrations together create.</summary>
    public const string Schema = "sqlite-schema.sql";

    readonly string connectionString;
    readonly string waitingConnectionString;
    readonly string migrationConnectionString;
    readonly string file;
    readonly bool mayCreate;
    readonly PersistentSqliteConnection.Source connections;
    readonly SqliteUserReaders users;
    SqliteConnection? snapshot;

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
        var isMemory = builder.DataSource.StartsWith(':') || builder.DataSource.StartsWith("file:", StringComparison.Ordinal);
        if (builder.DataSource.Length == 0 || isMemory || builder.Mode == SqliteOpenMode.Memory)
        {
            throw new DatabaseUnusableException(
                "ConnectionStrings__Profiles must name a file (Data Source=…): a database in memory would be gone with the process.");
        }
        file = builder.DataSource = Path.GetFullPath(builder.DataSource);
        mayCreate = builder.Mode == SqliteOpenMode.ReadWriteCreate;
        // Deleting an account relies on the cascades.
        builder.ForeignKeys = true;
        builder.DefaultTimeout = NoRetryByTheLibrary;
        connectionString = builder.ToString();
        builder.DefaultTimeout = (int)timeout.TotalSeconds;
        waitingConnectionString = builder.ToString();
        builder.DefaultTimeout = NoRetryByTheLibrary;
        // The library's pool would keep a connection that has failed, and with it the transaction of a failed group.
        builder.Pooling = false;
        Writer = new(builder.ToString(), timeout);
        users = new(builder.ToString());
        // At the start the library may block the thread: no request needs it yet.
        builder.DefaultTimeout = (int)timeout.TotalSeconds;
        migrationConnectionString = builder.ToString();
        connections = new(connectionString);
    }

    /// <summary>Everything that writes goes through it.</summary>
    public SqliteWriter Writer { get; }

    public override DatabaseProvider Provider => DatabaseProvider.Sqlite;

    public override bool MayBeUnavailable => false;

    public override void Configure(DbContextOptionsBuilder options) =>
        options.UseSqlite(connectionString).ReplaceService<IBatchExecutor, SqliteBatchExecutor>()
            .AddInterceptors(connections, ConnectionPragmas.Instance, new SqliteRouting(Writer));

    public override ProfilesDbContext Context(IServiceProvider scope) => scope.GetRequiredService<SqliteProfilesDbContext>();

    public override ValueTask<SessionUser?> FindUserAsync(long id, long sessionId, CancellationToken ct) =>
        Writer.RetryAsync(static q => q.users.Find(q.id, q.sessionId), (users, id, sessionId), db: null, ct);

    public override async Task MigrateAsync(CancellationToken ct)
    {
        await using var fileLock = await LockFileAsync(ct);
        if (!File.Exists(file) && mayCreate)
            Create();
        else if (File.Exists(file) && new FileInfo(file).Length == 0)
            throw Unusable("is empty. Restore it, or delete it to start with a new one.");
        else if (!TryCheckLater())
            Check();
        using var connection = Open(migrationConnectionString);
        if (!IsCurrent(connection))
        {
            // EF Core's own lock is a row, which outlives a killed process; the lock of the file ends with the process.
            Run(connection, "DROP TABLE IF EXISTS \"__EFMigrationsLock\"");
            await using var db = new SqliteProfilesDbContext(
                new DbContextOptionsBuilder<SqliteProfilesDbContext>().UseSqlite(connection).Options);
            await db.Database.MigrateAsync(ct);
        }
        UseWriteAheadLog(connection);
    }

    // Such reads may let the library wait for another process's lock, on their own thread.
    protected override DbConnection Connect() => new SqliteConnection(waitingConnectionString);

    /// <summary>
    /// Checks a file that was too large for the start. Throws <see cref="DatabaseUnusableException"/> when it is damaged; no write since
    /// the start has then reached the file, and the next start checks it first.
    /// </summary>
    public override Task EndCheckAsync(CancellationToken ct) => snapshot is null ? Task.CompletedTask
        : Task.Factory.StartNew(() => CheckSnapshot(snapshot, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public override Task WatchAsync(CancellationToken ct) => EndCheckAsync(ct);

    public override bool IsMissing => !File.Exists(file);

    public override async Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct)
    {
        var integrity = await db.Database
            .SqlQueryRaw<string>("SELECT integrity_check AS Value FROM pragma_integrity_check").ToListAsync(ct);
        var references = await db.Database
            .SqlQueryRaw<string>("SELECT \"table\" AS Value FROM pragma_foreign_key_check").ToListAsync(ct);
        return
        [
            .. integrity.Where(i => i != "ok").Select(i => $"The database file is damaged: {i}."),
            .. references.Select(t => $"A row of {t} refers to one that is not there."),
        ];
    }

    public void Dispose()
    {
        snapshot?.Dispose();
        users.Dispose();
        Writer.Dispose();
    }

    string CheckMark => file + ".unchecked";

    // Read-only: the last connection to close would write the write-ahead log into a file that is damaged. (A journal has to be rolled back
    // first.)
    void Check()
    {
        using var connection = OpenAsItIs(File.Exists(file + "-journal") ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadOnly);
        if (!IsSound(connection))
            throw Damaged();
        File.Delete(CheckMark);
    }

    // Reading a large file takes seconds, and more with every user. Its check reads in a transaction that begins before the first write:
    // writes then stay in the write-ahead log until the check ends, and the file stays as it is. The mark of a check that did not end makes
    // the next start wait for its own.
    bool TryCheckLater()
    {
        if (new FileInfo(file).Length <= CheckedAtOnce || File.Exists(CheckMark) || File.Exists(file + "-journal"))
            return false;
        snapshot = OpenAsItIs(SqliteOpenMode.ReadOnly);
        if (IsCurrent(snapshot) && Run(snapshot, "PRAGMA journal_mode") is "wal")
        {
            File.WriteAllBytes(CheckMark, []);
            Run(snapshot, "BEGIN; SELECT 1 FROM sqlite_schema");
            return true;
        }
        snapshot.Dispose();
        snapshot = null;
        return false;
    }

    void CheckSnapshot(SqliteConnection connection, CancellationToken ct)
    {
        using (ct.Register(() => raw.sqlite3_interrupt(connection.Handle)))
        {
            if (!IsSound(connection, ct))
            {
                // Stays open until the process ends: the last connection to close would write into the damaged file. The handle keeps the
                // garbage collector from closing it.
                _ = GCHandle.Alloc(connection);
                snapshot = null;
                throw Damaged();
            }
        }
        connection.Dispose();
        snapshot = null;
        File.Delete(CheckMark);
    }

    SqliteConnection OpenAsItIs(SqliteOpenMode mode) =>
        Open(new SqliteConnectionStringBuilder(migrationConnectionString) { Mode = mode }.ToString());

    static bool IsSound(SqliteConnection connection, CancellationToken ct = default)
    {
        try
        {
            return Run(connection, "SELECT quick_check FROM pragma_quick_check LIMIT 1") is "ok";
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
        {
            return false;
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException("The check of the database file was cancelled.", e, ct);
        }
    }

    // Created under another name and then renamed: a start that is killed leaves no incomplete database.
    void Create()
    {
        if (File.Exists(file + "-wal"))
            throw Unusable("is gone, but its write-ahead log (-wal) is there. Restore the file or delete the log.");
        using (var connection = Create(file + ".new"))
            UseWriteAheadLog(connection);
        // Atomic, and safe under the lock; without overwriting .NET would need two steps.
        File.Move(file + ".new", file, overwrite: true);
    }

    SqliteConnection Create(string fresh)
    {
        Delete(fresh);
        var connection = Open(new SqliteConnectionStringBuilder(migrationConnectionString) { DataSource = fresh }.ToString());
        using var script = new StreamReader(typeof(SqliteEngine).Assembly.GetManifestResourceStream(Schema)!);
        Run(connection, $"BEGIN; {script.ReadToEnd()} COMMIT");
        return connection;
    }

    static void Delete(string database)
    {
        foreach (var suffix in new[] { "", "-wal", "-shm", "-journal" })
            File.Delete(database + suffix);
    }

    public override Task<bool> HasRowsAsync(CancellationToken ct)
    {
        if (IsMissing)
            return Task.FromResult(false);
        try
        {
            using var connection = Open(migrationConnectionString);
            return Task.FromResult(Run(connection, "SELECT 1 FROM sqlite_schema") is not null
                && (!IsCurrent(connection) || Run(connection, AnyRow) is not null));
        }
        catch (SqliteException e) when (DatabaseErrors.IsDamaged(e))
        {
            return Task.FromResult(true);
        }
    }

    public override async Task<TableTransaction> ReadTablesAsync(bool alone, CancellationToken ct)
    {
        if (IsMissing)
            throw Outdated();
        var reservation = alone ? await ReserveAsync(isReplaced: false, ct) : null;
        SqliteConnection? connection = null;
        try
        {
            connection = Open(migrationConnectionString);
            return IsCurrent(connection) ? new SqliteTables(connection, null, reservation) : throw Outdated();
        }
        catch
        {
            connection?.Dispose();
            reservation?.Dispose();
            throw;
        }
    }

    public override async Task<TableTransaction> ReplaceTablesAsync(CancellationToken ct)
    {
        var reservation = await ReserveAsync(isReplaced: true, ct);
        try
        {
            var connection = Create(reservation.Fresh);
            // It is flushed once, when it is whole.
            Run(connection, "PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF");
            return new SqliteTables(connection, Replace, reservation);
        }
        catch
        {
            reservation.Dispose();
            throw;
        }

        void Replace()
        {
            using (var whole = new FileStream(reservation.Fresh, FileMode.Open, FileAccess.ReadWrite))
                whole.Flush(flushToDisk: true);
            // Which replaces no open file.
            if (OperatingSystem.IsWindows())
                reservation.Unlock();
            // The log of the file before must not be applied to the new one.
            foreach (var suffix in new[] { "-wal", "-shm", "-journal" })
                File.Delete(file + suffix);
            File.Move(reservation.Fresh, file, overwrite: true);
            Folder.Flush(Path.GetDirectoryName(file)!);
        }
    }

    // The lock keeps an instance that starts waiting. A file with a write-ahead log only leaves that mode when nobody else has it open; the
    // next start sets it again. A command takes no such lock, and must not write into a file that is replaced.
    async Task<Reservation> ReserveAsync(bool isReplaced, CancellationToken ct)
    {
        using (var pooled = new SqliteConnection(waitingConnectionString))
            SqliteConnection.ClearPool(pooled);
        if (!Directory.Exists(Path.GetDirectoryName(file)))
            throw new DatabaseUnusableException("The folder of the database file does not exist: make it first.");
        var reservation = new Reservation(await LockFileAsync(ct), file + ".new");
        try
        {
            if (!IsMissing)
            {
                reservation.Old = Open(migrationConnectionString);
                Run(reservation.Old, "PRAGMA journal_mode=DELETE");
                if (isReplaced)
                    Run(reservation.Old, "BEGIN EXCLUSIVE");
                else
                    reservation.Unlock();
            }
            return reservation;
        }
        catch (SqliteException e) when (DatabaseErrors.IsDamaged(e))
        {
            // Nobody can use it.
            reservation.Unlock();
            return reservation;
        }
        catch (SqliteException e)
        {
            reservation.Dispose();
            if (DatabaseErrors.IsLocked(e))
                throw InUse();
            throw;
        }
    }

    sealed class Reservation(FileStream fileLock, string fresh) : IDisposable
    {
        /// <summary>The file that is to replace the database; deleted with whatever is not committed.</summary>
        public string Fresh => fresh;

        /// <summary>The database before, locked; null when there is none that could be used.</summary>
        public SqliteConnection? Old { get; set; }

        public void Unlock()
        {
            Old?.Dispose();
            Old = null;
        }

        public void Dispose()
        {
            Unlock();
            Delete(fresh);
            fileLock.Dispose();
        }
    }

    // Building EF Core's model only to find nothing pending would take most of the start.
    static bool IsCurrent(SqliteConnection connection) =>
        Run(connection, "SELECT 1 FROM sqlite_schema WHERE name = '__EFMigrationsHistory'") is not null
        && Run(connection, $"SELECT 1 FROM \"__EFMigrationsHistory\" WHERE \"MigrationId\" = '{LatestMigration}'") is not null;

    // Readers do not wait for the writer. The file remembers the mode.
    static void UseWriteAheadLog(SqliteConnection connection) => Run(connection, "PRAGMA journal_mode=WAL");

    static DatabaseUnusableException Damaged() => Unusable("is damaged. Restore it; it was left as it is.");

    static DatabaseUnusableException Unusable(string why) =>
        new($"The database file (ConnectionStrings__Profiles, or profiles.db in DataDirectory) {why}");

    /// <summary>Opens a connection with the settings that every connection needs; a failure leaves none behind.</summary>
    public static SqliteConnection Open(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            SetPragmas(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    static object? Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    async Task<FileStream> LockFileAsync(CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(LongestMigration);
        while (true)
        {
            try
            {
                return new FileStream(file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e.HResult == WouldBlock)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
                if (timeout.IsCancellationRequested)
                    throw InUse();
            }
        }
    }

    /// <summary>
    /// Settings of a connection and not of the file: a committed write survives a power cut (with WAL that needs FULL), and deleted content
    /// is overwritten.
    /// </summary>
    static void SetPragmas(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON";
        command.ExecuteNonQuery();
    }

    sealed class ConnectionPragmas : DbConnectionInterceptor
    {
        public static readonly ConnectionPragmas Instance = new();

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData) => SetPragmas(connection);

        public override Task ConnectionOpenedAsync(
            DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            SetPragmas(connection);
            return Task.CompletedTask;
        }
    }
}
