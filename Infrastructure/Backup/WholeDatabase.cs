using Profiles.Data.Tables;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Backup;

/// <summary>All tables of a database, with the keys that SQLite keeps in files.</summary>
sealed class WholeDatabase(TableTransaction tables, KeyFiles files) : IAsyncDisposable
{
    readonly List<(Table Table, IReadOnlyList<object?[]> Rows)> keys = [];

    public bool HasInFile(Table table) => !tables.Tables.Contains(table);

    public Task<long> CountAsync(Table table, CancellationToken ct) =>
        HasInFile(table) ? Task.FromResult((long)files.Read(table).Count) : tables.CountAsync(table, ct);

    public IAsyncEnumerable<object?[]> ReadAsync(Table table, CancellationToken ct) =>
        HasInFile(table) ? files.Read(table).ToAsyncEnumerable() : tables.ReadAsync(table, ct);

    public async Task<long> LastNumberAsync(Table table, CancellationToken ct) =>
        table.Counter is null ? 0 : await tables.LastNumberAsync(table, ct);

    public Task ContinueAfterAsync(Table table, long number, CancellationToken ct) =>
        table.Counter is null ? Task.CompletedTask : tables.ContinueAfterAsync(table, number, ct);

    public async Task WriteAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        if (HasInFile(table))
            keys.Add((table, await rows.Take(MostKeys).ToListAsync(ct)));
        else
            await tables.WriteAsync(table, rows.Select(r => files.Sealed(table, r)), ct);
    }

    /// <summary>Whether a file has another key than those that are to be written.</summary>
    public bool HasOtherKeys() => keys.Any(k => files.HasOther(k.Table, k.Rows));

    /// <summary>The keys first: a database without its keys would be given new ones.</summary>
    public async Task CommitAsync()
    {
        Action[] undo = [.. keys.Select(k => files.Write(k.Table, k.Rows))];
        try
        {
            await tables.CommitAsync();
        }
        catch
        {
            foreach (var back in undo)
                back();
            throw;
        }
    }

    public ValueTask DisposeAsync() => tables.DisposeAsync();

    // A ring has a few keys; an archive may say otherwise.
    const int MostKeys = 1000;
}
