using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Data;

/// <summary>What the databases' errors mean, recognised by their codes and in this one place.</summary>
static class DatabaseErrors
{
    // https://www.sqlite.org/rescode.html
    const int ForeignKey = 787, Busy = 5, Locked = 6, ReadOnly = 8, IoError = 10, Full = 13, CannotOpen = 14, Protocol = 15, UniqueIndex = 2067;

    /// <summary>A unique index refused the row.</summary>
    public static bool IsUniqueViolation(Exception e) => Find(e) is SqliteException { SqliteExtendedErrorCode: UniqueIndex } or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <summary>Of a unique index' refusals: the one of a username that another has. SQLite names the column, PostgreSQL the index.</summary>
    public static bool IsUsernameTaken(Exception e) => IsUniqueViolation(e) && Find(e) switch
    {
        SqliteException lite => lite.Message.Contains("user_profiles.username", StringComparison.Ordinal),
        PostgresException answer => answer.ConstraintName == UserProfileConfiguration.UsernameIndex,
        _ => false,
    };

    /// <summary>The row refers to one that is gone, such as that of a user who has just left.</summary>
    public static bool IsOrphan(Exception e) => Find(e) is SqliteException { SqliteExtendedErrorCode: ForeignKey } or PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <summary>Another holds the SQLite file: nothing was done.</summary>
    public static bool IsLocked(Exception e) => Find(e) is SqliteException { SqliteErrorCode: Busy or Locked };

    /// <summary>The database cannot take the request now; a later one may succeed. Whether a write was done is not known.</summary>
    public static bool IsUnavailable(Exception e) => Find(e) switch
    {
        SqliteException lite => lite.SqliteErrorCode is Busy or Locked or ReadOnly or IoError or CannotOpen or Protocol,
        PostgresException answer => !IsFull(answer) && IsAway(answer.SqlState),
        // The rest of Npgsql's own: no connection, a lost one, none free, or no answer in time.
        NpgsqlException => true,
        _ => false,
    };

    /// <summary>At a start: whether the database may come by itself. A wrong password or none, a name that is not there or a refused TLS will not change, nor will a script that fails.</summary>
    public static bool MayRecover(Exception e) => Find(e) switch
    {
        PostgresException { SqlState: ['2', '8', ..] or ['3', 'D', ..] } => false,
        PostgresException => IsUnavailable(e),
        // Of several hosts Npgsql has what each said.
        NpgsqlException own => own.IsTransient || own.InnerException is AggregateException,
        _ => false,
    };

    /// <summary>What the database itself said, however it is wrapped; null when it said nothing.</summary>
    public static string? Sentence(Exception e) => Find(e)?.Message;

    /// <summary>The connection was gone before its use: a read may be tried again on another.</summary>
    public static bool IsLostConnection(Exception e) => Find(e) switch
    {
        PostgresException answer => answer.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout,
        NpgsqlException { InnerException: IOException } => true,
        _ => false,
    };

    /// <summary>The server, or a connection to it, was waited for in vain.</summary>
    public static bool IsTimeout(Exception e) => Find(e) is NpgsqlException { InnerException: TimeoutException };

    /// <summary>The disk has no room.</summary>
    public static bool IsFull(Exception e) => Find(e) is SqliteException { SqliteErrorCode: Full } or PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    // By the classes of https://www.postgresql.org/docs/current/errcodes-appendix.html: connection (08), authorization (28), no such database (3D),
    // rollback (40), resources (53), operator's intervention (57), system error (58); and a server that is read-only, as a standby is, or a lock that was not given.
    static bool IsAway(string state) =>
        state[..2] is "08" or "28" or "3D" or "40" or "53" or "57" or "58" || state is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable;

    static DbException? Find(Exception? e)
    {
        while (e is not null and not SqliteException and not NpgsqlException)
            e = e.InnerException;
        return e as DbException;
    }
}
