using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Backup;

/// <summary>All tables of a database, with the keys that SQLite keeps in files.</summary>
sealed class WholeDatabase(TableTransaction tables, KeyFiles files) : IAsyncDisposable
{
    readonly List<(Table Table, IReadOnlyList<object?[]> Rows)> keys = [];
    readonly Dictionary<Table, IReadOnlyList<object?[]>> read = [];

    public bool HasInFile(Table table) => !tables.Tables.Contains(table);

    public Task<long> CountAsync(Table table, CancellationToken ct) =>
        HasInFile(table) ? Task.FromResult((long)Keys(table).Count) : tables.CountAsync(table, ct);

    public IAsyncEnumerable<object?[]> ReadAsync(Table table, CancellationToken ct) =>
        HasInFile(table) ? Keys(table).ToAsyncEnumerable() : tables.ReadAsync(table, ct);

    public async Task<long> LastNumberAsync(Table table, CancellationToken ct) =>
        table.Counter is null ? 0 : await tables.LastNumberAsync(table, ct);

    public Task ContinueAfterAsync(Table table, long number, CancellationToken ct) =>
        table.Counter is null ? Task.CompletedTask : tables.ContinueAfterAsync(table, number, ct);

    public async Task WriteAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        if (HasInFile(table))
            keys.Add((table, await rows.Take(MostKeys).Select(r => files.Opened(table, r)).ToListAsync(ct)));
        else
            await tables.WriteAsync(table, rows.Select(r => files.Sealed(table, r)), ct);
    }

    /// <summary>Adds an entry of the audit log to the rows that were written.</summary>
    public async Task RecordAsync(string action, string detail, DateTime at, CancellationToken ct)
    {
        var entry = AuditEntry.Of(ProfilesDbContext.ToStored(at), $"command:{Environment.UserName}", action, userId: null, detail);
        var number = await tables.LastNumberAsync(Log, ct) + 1;
        object?[] row =
        [
            .. Log.Columns.Select(c => c.Name switch
            {
                "id" => (object?)number,
                "at" => entry.At,
                "actor" => entry.Actor,
                "action" => entry.Action,
                "detail" => entry.Detail,
                _ => null,
            }),
        ];
        await tables.WriteAsync(Log, AsyncEnumerable.Repeat(row, 1), ct);
        await tables.ContinueAfterAsync(Log, number, ct);
    }

    /// <summary>Whether a file has another key than those that are to be written.</summary>
    public bool HasOtherKeys() => keys.Any(k => files.HasOther(k.Table, k.Rows));

    /// <summary>
    /// The keys first: a database without its keys would be given new ones. Throws <see cref="CommitUnknownException"/>, too.
    /// </summary>
    public async Task CommitAsync()
    {
        await using var locked = keys.Count == 0 ? null : await files.LockAsync(CancellationToken.None);
        var undo = new Stack<Action>();
        try
        {
            foreach (var (table, rows) in keys)
                undo.Push(files.Write(table, rows));
            await tables.CommitAsync();
        }
        catch (Exception e) when (e is not CommitUnknownException)
        {
            foreach (var back in undo)
                back();
            throw;
        }
    }

    public ValueTask DisposeAsync() => tables.DisposeAsync();

    static Table Log => Table.All.Single(t => t.Name == "audit_log");

    // Read once: the running service may change a file between two looks.
    IReadOnlyList<object?[]> Keys(Table table) =>
        read.TryGetValue(table, out var rows) ? rows : read[table] = files.Read(table);

    // A ring has a few keys; an archive may say otherwise.
    const int MostKeys = 1000;
}
