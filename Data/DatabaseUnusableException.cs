namespace Profiles.Data;

/// <summary>
/// Why the database must not be touched, or cannot be found, in a sentence for whoever starts the service. It never has the connection
/// string.
/// </summary>
sealed class DatabaseUnusableException(string message) : Exception(message);
