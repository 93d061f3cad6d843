using System.Globalization;
using Npgsql;
using Profiles.Data.Tables;

namespace Profiles.Data.PostgreSql;

/// <summary>All tables in one transaction of PostgreSQL, written by COPY.</summary>
/// <param name="connection">The connection of the transaction.</param>
/// <param name="transaction">The transaction.</param>
/// <param name="reservation">Keeps others from the database; null when they may use it.</param>
sealed class PostgreSqlTables(NpgsqlConnection connection, NpgsqlTransaction transaction, NpgsqlConnection? reservation)
    : TableTransaction(connection)
{
    public override IReadOnlyList<Table> Tables => Table.All;

    public override async Task WriteAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        await using var copy = await connection.BeginTextImportAsync($"COPY \"{table.Name}\" ({table.ColumnList}) FROM STDIN", ct);
        await foreach (var row in rows.WithCancellation(ct))
        {
            for (var i = 0; i < row.Length; i++)
            {
                if (i > 0)
                    await copy.WriteAsync('\t');
                await copy.WriteAsync(Text(row[i]));
            }
            await copy.WriteAsync('\n');
        }
    }

    public override async Task<long> LastNumberAsync(Table table, CancellationToken ct) =>
        (long)(await ScalarAsync($"SELECT coalesce(pg_sequence_last_value({Sequence(table)}), 0)", ct))!;

    // Sequences are not rolled back, so what is not committed must not set one back either.
    public override async Task ContinueAfterAsync(Table table, long number, CancellationToken ct)
    {
        if (number > await LastNumberAsync(table, ct))
            await ScalarAsync(string.Create(CultureInfo.InvariantCulture, $"SELECT setval({Sequence(table)}, {number})"), ct);
    }

    public override async Task CommitAsync()
    {
        try
        {
            await transaction.CommitAsync();
        }
        catch (NpgsqlException e) when (DatabaseErrors.IsUnavailable(e))
        {
            throw new CommitUnknownException();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (reservation is not null)
            await reservation.DisposeAsync();
    }

    static string Sequence(Table table) => $"pg_get_serial_sequence('\"{table.Name}\"', '{table.Counter}')::regclass";

    // https://www.postgresql.org/docs/current/sql-copy.html: the text format.
    static string Text(object? value) => value switch
    {
        null => "\\N",
        string text => Escape(text),
        byte[] bytes => $"\\\\x{Convert.ToHexStringLower(bytes)}",
        bool flag => flag ? "t" : "f",
        DateTime time => time.ToString("yyyy-MM-dd HH:mm:ss.ffffff+00", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    static string Escape(string text) => text.AsSpan().IndexOfAny("\\\t\n\r") < 0 ? text : text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);
}
