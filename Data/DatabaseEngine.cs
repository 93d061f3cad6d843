using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Data;

/// <summary>What differs between the databases that the service supports; no other code asks which one it is.</summary>
abstract class DatabaseEngine
{
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
    /// Whether the service starts without the database, answers 503 and retries. An unusable SQLite file stops the start.
    /// </summary>
    public abstract bool MayBeUnavailable { get; }

    /// <summary>
    /// Creates a pooled connection for a read that runs while the service starts or is idle: EF Core's model takes time and memory.
    /// </summary>
    protected abstract DbConnection Connect();

    /// <summary>Reads one value with <see cref="Connect"/>.</summary>
    public Task<object?> ReadAsync(string sql, CancellationToken ct, params (string Name, object Value)[] parameters) =>
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
            return await command.ExecuteScalarAsync(ct);
        });

    /// <summary>
    /// Drops pooled connections when the server is lost, until the token is cancelled. On SQLite, ends the check of a large file; throws
    /// <see cref="DatabaseUnusableException"/> when it is damaged.
    /// </summary>
    public abstract Task WatchAsync(CancellationToken ct);
}
