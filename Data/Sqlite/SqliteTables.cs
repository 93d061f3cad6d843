using Microsoft.Data.Sqlite;
using Profiles.Data.Tables;

namespace Profiles.Data.Sqlite;

/// <summary>All tables in one transaction on SQLite, written by one prepared statement each.</summary>
/// <param name="connection">The file, or a new one that is to replace it.</param>
/// <param name="replace">Puts the new file in place.</param>
/// <param name="reservation">Keeps others from the database; null when they may use it.</param>
sealed class SqliteTables(SqliteConnection connection, Action? replace, IDisposable? reservation) : TableTransaction(connection)
{
    readonly SqliteTransaction transaction = connection.BeginTransaction(deferred: true);

    public override IReadOnlyList<Table> Tables { get; } = [.. Table.All.Where(t => !t.IsOfKeys)];

    public override async Task WriteAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        var names = table.Columns.Select((_, i) => $"${i}").ToArray();
        command.CommandText = $"INSERT INTO \"{table.Name}\" ({table.ColumnList}) VALUES ({string.Join(", ", names)})";
        var parameters = names.Select(n => command.Parameters.Add(new SqliteParameter { ParameterName = n })).ToArray();
        await foreach (var row in rows.WithCancellation(ct))
        {
            for (var i = 0; i < row.Length; i++)
                parameters[i].Value = row[i] ?? DBNull.Value;
            command.ExecuteNonQuery();
        }
    }

    public override async Task<long> LastNumberAsync(Table table, CancellationToken ct) =>
        await ScalarAsync($"SELECT seq FROM sqlite_sequence WHERE name = '{table.Name}'", ct) as long? ?? 0;

    public override async Task ContinueAfterAsync(Table table, long number, CancellationToken ct)
    {
        if (number <= await LastNumberAsync(table, ct))
            return;
        using var command = connection.CreateCommand();
        command.CommandText =
            $"DELETE FROM sqlite_sequence WHERE name = '{table.Name}'; INSERT INTO sqlite_sequence (name, seq) VALUES ('{table.Name}', $n)";
        command.Parameters.AddWithValue("$n", number);
        command.ExecuteNonQuery();
    }

    public override async Task CommitAsync()
    {
        transaction.Commit();
        await connection.DisposeAsync();
        replace!();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        reservation?.Dispose();
    }
}
