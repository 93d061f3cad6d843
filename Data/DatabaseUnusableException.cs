namespace Profiles.Data;

/// <summary>
/// The database must not be changed or cannot be found. The message is one sentence for the operator, without the connection string.
/// </summary>
class DatabaseUnusableException(string message) : Exception(message);

/// <summary>The connection was lost while the database committed: it has done all of it, or nothing.</summary>
sealed class CommitUnknownException() : DatabaseUnusableException(
    "The connection was lost while the database committed: it has all of it, or nothing. Run the command again, restore with --force.");
