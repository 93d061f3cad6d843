using System.Data.Common;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Profiles.Data.Sqlite;

/// <summary>The connection that the groups of the <see cref="SqliteWriter"/> write on, and its prepared statements.</summary>
sealed class SqliteStatements(string connectionString) : IDisposable
{
    // The service has fewer statements that write.
    const int Most = 100;

    readonly Dictionary<string, SqliteCommand> statements = new(StringComparer.Ordinal);
    SqliteConnection? connection;

    /// <summary>Some errors, such as a full disk, roll the whole transaction back (https://www.sqlite.org/lang_transaction.html).</summary>
    public bool IsRolledBack => sqlite3_get_autocommit(connection!.Handle) != 0;

    public void Execute(string sql) => Statement(sql).ExecuteNonQuery();

    /// <summary>The command with its parameters, as a prepared statement.</summary>
    public SqliteCommand Prepare(DbCommand command)
    {
        var statement = Statement(command.CommandText);
        statement.Parameters.Clear();
        foreach (SqliteParameter parameter in command.Parameters)
            statement.Parameters.Add(parameter);
        return statement;
    }

    /// <summary>Closes the connection, which rolls back; the next statement opens another.</summary>
    public void Dispose()
    {
        statements.Clear();
        connection?.Dispose();
        connection = null;
    }

    SqliteCommand Statement(string sql)
    {
        if (statements.TryGetValue(sql, out var statement))
            return statement;
        if (statements.Count == Most)
            Forget();
        connection ??= SqliteEngine.Open(connectionString);
        statement = connection.CreateCommand();
        statement.CommandText = sql;
        statements.Add(sql, statement);
        return statement;
    }

    void Forget()
    {
        foreach (var statement in statements.Values)
            statement.Dispose();
        statements.Clear();
    }
}
