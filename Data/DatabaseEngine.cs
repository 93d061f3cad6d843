using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Profiles.Data.Tables;

namespace Profiles.Data;

/// <summary>What differs between the databases that the service supports; no other code asks which one it is.</summary>
abstract class DatabaseEngine
{
    public abstract DatabaseProvider Provider { get; }

    /// <summary>Configures a context to use the database.</summary>
    public abstract void Configure(DbContextOptionsBuilder options);

    /// <summary>Resolves the context of a scope.</summary>
    public abstract ProfilesDbContext Context(IServiceProvider scope);

    /// <summary>Reads a user and the device of a session in one prepared query; null unless the session is the user's.</summary>
    public abstract ValueTask<SessionUser?> FindUserAsync(long id, long sessionId, CancellationToken ct);

    /// <summary>
    /// Applies the missing migrations under a lock: of several instances that start at once, one migrates and the others wait.
    /// Throws <see cref="DatabaseUnusableException"/> for a database that must not be changed, and the database's own exceptions.
    /// </summary>
    public abstract Task MigrateAsync(CancellationToken ct);

    /// <summary>Whether the database does not exist yet, so that opening it would create it.</summary>
    public abstract bool IsMissing { get; }

    /// <summary>Describes the corruption that it finds, a sentence each. PostgreSQL checks its pages itself.</summary>
    public abstract Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct);

    /// <summary>
    /// Whether something would be lost if the tables were replaced: rows other than the keys that every first start makes, or tables that
    /// are not this program's.
    /// </summary>
    public abstract Task<bool> HasRowsAsync(CancellationToken ct);

    /// <summary>
    /// Reads all tables as they are at one moment. Throws <see cref="DatabaseUnusableException"/> when their schema is not this program's.
    /// </summary>
    /// <param name="alone">Whether nobody else may use the database until the end; it is refused while somebody does.</param>
    /// <param name="ct">Cancels the wait for the others.</param>
    public abstract Task<TableTransaction> ReadTablesAsync(bool alone, CancellationToken ct);

    /// <summary>
    /// Begins with empty tables of this program's schema, which replace everything once they are committed. Throws
    /// <see cref="DatabaseUnusableException"/> while somebody else uses the database.
    /// </summary>
    public abstract Task<TableTransaction> ReplaceTablesAsync(CancellationToken ct);

    /// <summary>
    /// Whether the service starts without the database, answers 503 and retries. An unusable SQLite file stops the start.
    /// </summary>
    public abstract bool MayBeUnavailable { get; }

    /// <summary>
    /// Creates a pooled connection for a read that runs while the service starts or is idle: EF Core's model takes time and memory.
    /// </summary>
    protected abstract DbConnection Connect();

    /// <summary>Reads one value with <see cref="Connect"/>.</summary>
    public async Task<object?> ReadAsync(string sql, CancellationToken ct, params (string Name, object Value)[] parameters) =>
        (await ReadAsync(sql, row => row.GetValue(0), ct, parameters)).FirstOrDefault();

    /// <summary>Reads rows with <see cref="Connect"/>.</summary>
    public Task<List<T>> ReadAsync<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken ct, params (string Name, object Value)[] parameters) =>
        ProfilesDbContext.ReadAsync(async () =>
        {
            await using var connection = Connect();
            await connection.OpenAsync(ct);
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in parameters)
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                command.Parameters.Add(parameter);
            }
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<T>();
            while (await reader.ReadAsync(ct))
                rows.Add(read(reader));
            return rows;
        });

    protected static DatabaseUnusableException InUse() => new("The database is in use: stop the service, on every machine, and try again.");

    protected static DatabaseUnusableException Outdated() =>
        new("The database is missing or not of this program's schema: run Profiles migrate.");

    /// <summary>Finds out whether any table but those of the keys has a row.</summary>
    protected static string AnyRow => "SELECT 1 WHERE "
        + string.Join(" OR ", Table.All.Where(t => !t.IsOfKeys).Select(t => $"EXISTS (SELECT 1 FROM \"{t.Name}\")"));

    /// <summary>
    /// Ends the check that <see cref="MigrateAsync"/> has begun of a large SQLite file. Throws <see cref="DatabaseUnusableException"/> when
    /// the file is damaged.
    /// </summary>
    public virtual Task EndCheckAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Drops pooled connections when the server is lost, until the token is cancelled. On SQLite it is <see cref="EndCheckAsync"/>.
    /// </summary>
    public abstract Task WatchAsync(CancellationToken ct);
}
