using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Profiles.Data;

/// <summary>Classifies the errors of both databases by their codes; no other class reads those.</summary>
static class DatabaseErrors
{
    // https://www.sqlite.org/rescode.html
    const int ForeignKey = 787, UniqueIndex = 2067;
    const int Busy = 5, Locked = 6, NoMemory = 7, ReadOnly = 8, IoError = 10, Full = 13, Corrupt = 11, CannotOpen = 14,
        Protocol = 15, NotADatabase = 26;

    /// <summary>A unique index refused the row.</summary>
    public static bool IsUniqueViolation(Exception e) => Find(e)
        is SqliteException { SqliteExtendedErrorCode: UniqueIndex }
        or PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <summary>The unique index of the usernames refused the row. SQLite names the column, PostgreSQL the index.</summary>
    public static bool IsUsernameTaken(Exception e) => IsUniqueViolation(e) && Find(e) switch
    {
        SqliteException lite => lite.Message.Contains("user_profiles.username", StringComparison.Ordinal),
        PostgresException answer => answer.ConstraintName == UserProfileConfiguration.UsernameIndex,
        _ => false,
    };

    /// <summary>The row references one that does not exist, such as a user who was just deleted.</summary>
    public static bool IsOrphan(Exception e) => Find(e)
        is SqliteException { SqliteExtendedErrorCode: ForeignKey }
        or PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <summary>Another connection has locked the SQLite file; the statement did nothing.</summary>
    public static bool IsLocked(Exception e) => Find(e) is SqliteException { SqliteErrorCode: Busy or Locked };

    /// <summary>The SQLite file is damaged, or something else.</summary>
    public static bool IsDamaged(Exception e) => Find(e) is SqliteException { SqliteErrorCode: Corrupt or NotADatabase };

    /// <summary>
    /// SQLite may have rolled the whole transaction back, and not only the statement (https://www.sqlite.org/lang_transaction.html).
    /// </summary>
    public static bool EndsTransaction(Exception e) => Find(e) is SqliteException { SqliteErrorCode: IoError or Full or Busy or NoMemory };

    /// <summary>A copy for another caller whose write was committed with the one that failed.</summary>
    public static Exception ForOther(Exception e) =>
        Find(e) is SqliteException lite ? new SqliteException(lite.Message, lite.SqliteErrorCode, lite.SqliteExtendedErrorCode) : e;

    /// <summary>The database cannot serve the request now; a retry may succeed. Whether a write was committed is not known.</summary>
    public static bool IsUnavailable(Exception e) => Find(e) switch
    {
        SqliteException lite => lite.SqliteErrorCode is Busy or Locked or ReadOnly or IoError or CannotOpen or Protocol,
        PostgresException answer => !IsFull(answer) && IsAway(answer.SqlState),
        // Npgsql's other errors: cannot connect, connection lost, pool exhausted or timeout.
        NpgsqlException => true,
        _ => false,
    };

    /// <summary>
    /// At the start: whether the database may become available without a change of the configuration. Wrong credentials, an unknown
    /// database, a refused TLS handshake and a failing migration do not go away.
    /// </summary>
    public static bool MayRecover(Exception e) => Find(e) switch
    {
        PostgresException { SqlState: ['2', '8', ..] or ['3', 'D', ..] } => false,
        PostgresException => IsUnavailable(e),
        // For several hosts Npgsql collects what each of them answered.
        NpgsqlException own => own.IsTransient || own.InnerException is AggregateException,
        _ => false,
    };

    /// <summary>The message of the database or its driver; null when neither is the cause.</summary>
    public static string? Sentence(Exception e) => Find(e)?.Message;

    /// <summary>The connection was broken before it was used: a read may be retried on another.</summary>
    public static bool IsLostConnection(Exception e) => Find(e) switch
    {
        PostgresException answer => answer.SqlState
            is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout,
        NpgsqlException { InnerException: IOException } => true,
        _ => false,
    };

    /// <summary>The server did not answer in time, or no pooled connection became free.</summary>
    public static bool IsTimeout(Exception e) => Find(e) is NpgsqlException { InnerException: TimeoutException };

    /// <summary>The database's disk is full.</summary>
    public static bool IsFull(Exception e) => Find(e)
        is SqliteException { SqliteErrorCode: Full } or PostgresException { SqlState: PostgresErrorCodes.DiskFull };

    // Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html: connection (08), authorization (28), unknown database
    // (3D), rollback (40), resources (53), operator intervention (57), system error (58); besides a read-only server, such as a standby,
    // and a lock that is not available.
    static bool IsAway(string state) =>
        state[..2] is "08" or "28" or "3D" or "40" or "53" or "57" or "58"
        || state is PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable;

    static DbException? Find(Exception? e)
    {
        while (e is not null and not SqliteException and not NpgsqlException)
            e = e.InnerException;
        return e as DbException;
    }
}
