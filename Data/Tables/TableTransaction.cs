using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Profiles.Data.Tables;

/// <summary>
/// All tables of a database at one moment, or empty tables that replace them when they are committed; until then nothing is changed.
/// </summary>
abstract class TableTransaction(DbConnection connection) : IAsyncDisposable
{
    /// <summary>The tables that this database has.</summary>
    public abstract IReadOnlyList<Table> Tables { get; }

    public async Task<long> CountAsync(Table table, CancellationToken ct) =>
        (long)(await ScalarAsync($"SELECT count(*) FROM \"{table.Name}\"", ct))!;

    /// <summary>Reads all rows by their key, without holding them in memory.</summary>
    public IAsyncEnumerable<object?[]> ReadAsync(Table table, CancellationToken ct) => ReadAsync(table, "", ct);

    /// <summary>Reads the row of a numbered key; null when there is none.</summary>
    public async Task<object?[]?> FindAsync(Table table, long key, CancellationToken ct) =>
        await ReadAsync(table, string.Create(CultureInfo.InvariantCulture, $"WHERE \"{table.Key[0]}\" = {key}"), ct)
            .FirstOrDefaultAsync(ct);

    async IAsyncEnumerable<object?[]> ReadAsync(Table table, string filter, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = table.Query(filter);
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            // A driver that has the row already looks at the token seldom.
            ct.ThrowIfCancellationRequested();
            yield return [.. table.Columns.Select((column, i) => column.Read(rows, i))];
        }
    }

    /// <summary>Writes rows in bulk.</summary>
    public abstract Task WriteAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct);

    /// <summary>The last number that <see cref="Table.Counter"/> has given, also to a row that is deleted; 0 for none.</summary>
    public abstract Task<long> LastNumberAsync(Table table, CancellationToken ct);

    /// <summary>Continues <see cref="Table.Counter"/> after this number. It never goes back.</summary>
    public abstract Task ContinueAfterAsync(Table table, long number, CancellationToken ct);

    /// <summary>
    /// Replaces what the database had. It is not cancelled: an answer that is not awaited leaves the outcome open. Throws
    /// <see cref="CommitUnknownException"/> when the answer is lost; after any other exception nothing is changed.
    /// </summary>
    public abstract Task CommitAsync();

    /// <summary>Undoes what is not committed, and lets others use the database again.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return connection.DisposeAsync();
    }

    protected async Task<object?> ScalarAsync(string sql, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(ct);
    }
}
