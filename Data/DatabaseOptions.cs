namespace Profiles.Data;

/// <summary>The supported databases.</summary>
public enum DatabaseProvider
{
    /// <summary>An embedded file; one instance.</summary>
    Sqlite,

    /// <summary>A server; several instances.</summary>
    PostgreSql,
}

/// <summary>Settings of the database. <c>ConnectionStrings__Profiles</c> says where it is.</summary>
public sealed class DatabaseOptions
{
    /// <summary>The database engine, for a connection string whose form does not say it.</summary>
    /// <value>The engine that <c>ConnectionStrings__Profiles</c> names by its form</value>
    public DatabaseProvider? Provider { get; set; }

    /// <summary>How long a request waits for the database before it is answered 503. Whole seconds, 00:00:03 to 00:01:00.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
