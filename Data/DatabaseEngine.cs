using Microsoft.EntityFrameworkCore;

namespace Profiles.Data;

/// <summary>What differs between the databases that the service runs on; nothing else of ours asks which one it is.</summary>
abstract class DatabaseEngine
{
    /// <summary>Points a context at the database.</summary>
    public abstract void Configure(DbContextOptionsBuilder options);

    /// <summary>The context of a scope.</summary>
    public abstract ProfilesDbContext Context(IServiceProvider scope);

    /// <summary>
    /// Applies what migrations are missing, alone: of several instances that start at once one does it and the others wait.
    /// Throws <see cref="DatabaseUnusableException"/> for a database that must not be touched, and the database's own exceptions.
    /// </summary>
    public abstract Task MigrateAsync(CancellationToken ct);

    /// <summary>Whether there is nothing yet that could be looked at; to open it would make it.</summary>
    public abstract bool IsMissing { get; }

    /// <summary>What is wrong inside the database, in sentences; none when it is whole. PostgreSQL looks after its pages itself.</summary>
    public abstract Task<IReadOnlyList<string>> CheckIntegrityAsync(ProfilesDbContext db, CancellationToken ct);

    /// <summary>Whether a start without the database goes on and waits for it, answering 503; a file that cannot be used now will not come by itself.</summary>
    public abstract bool MayBeUnavailable { get; }

    /// <summary>Ends what is kept open to a database that is gone; ends itself with the token. Does nothing where nothing is kept.</summary>
    public abstract Task WatchAsync(CancellationToken ct);
}
