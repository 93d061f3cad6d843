namespace Profiles.Data;

/// <summary>
/// The database must not be changed or cannot be found. The message is one sentence for the operator, without the connection string.
/// </summary>
sealed class DatabaseUnusableException(string message) : Exception(message);
