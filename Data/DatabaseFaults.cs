using Microsoft.Data.Sqlite;

namespace Profiles.Data;

/// <summary>What the database's errors mean, recognised by their codes and in this one place.</summary>
static class DatabaseFaults
{
    // https://www.sqlite.org/rescode.html
    const int Busy = 5, Locked = 6, ReadOnly = 8, IoError = 10, Full = 13, CannotOpen = 14, UniqueIndex = 2067;

    /// <summary>A unique index refused the row.</summary>
    public static bool IsUniqueViolation(Exception e) => Find(e) is { SqliteExtendedErrorCode: UniqueIndex };

    /// <summary>The database cannot take the request now; a later one may succeed.</summary>
    public static bool IsUnavailable(Exception e) => Find(e) is { SqliteErrorCode: Busy or Locked or ReadOnly or IoError or CannotOpen };

    /// <summary>The disk has no room.</summary>
    public static bool IsFull(Exception e) => Find(e) is { SqliteErrorCode: Full };

    static SqliteException? Find(Exception? e)
    {
        while (e is not null and not SqliteException)
            e = e.InnerException;
        return e as SqliteException;
    }
}
