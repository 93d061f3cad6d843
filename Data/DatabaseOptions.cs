namespace Profiles.Data;

/// <summary>The databases that the service runs on.</summary>
public enum DatabaseProvider
{
    /// <summary>An embedded file; one instance.</summary>
    Sqlite,

    /// <summary>A server; as many instances as it has connections for.</summary>
    PostgreSql,
}

/// <summary>Settings of the database; where it is, says <c>ConnectionStrings__Profiles</c>.</summary>
public sealed class DatabaseOptions
{
    /// <summary>Null: the form of <c>ConnectionStrings__Profiles</c> decides.</summary>
    public DatabaseProvider? Provider { get; set; }

    /// <summary>How long a request waits for the database before it is answered 503; whole seconds, from three on.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
