using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>The files of keys in <c>DataDirectory</c>, which SQLite has instead of tables, as rows of those tables.</summary>
sealed class KeyFiles(IOptions<ServiceOptions> service, IOptions<JwtOptions> jwt, TimeProvider clock)
{
    const string Value = "value";

    readonly KeyEnvelope envelope = new(jwt.Value.KeyEncryptionKey);

    /// <summary>Reads the rows; none when the keys are in the settings. Throws <see cref="StartException"/>.</summary>
    public IReadOnlyList<object?[]> Read(Table table)
    {
        var file = FileOf(table);
        if (!File.Exists(file))
            return [];
        if (table.Name == Table.KeyTable)
        {
            return [[.. table.Columns.Select(c => c.Name switch
            {
                Value => envelope.Open(File.ReadAllText(file).Trim(), "DataDirectory (signing.key)"),
                "created_at" => (object)ProfilesDbContext.ToStored(File.GetLastWriteTimeUtc(file)),
                _ => (long)SigningKey.OnlyId,
            })]];
        }
        try
        {
            using var keys = JsonDocument.Parse(File.ReadAllText(file));
            return [.. keys.RootElement.EnumerateArray().Select(key => table.Columns.Select(c => ValueOf(key, c)).ToArray())
                .OrderBy(row => (string)row[table.IndexOf(table.Key[0])]!, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new StartException("The key ring in DataDirectory (signing-keys.json) is damaged.");
        }
    }

    /// <summary>Whether there is a file that says anything else of the keys than these rows.</summary>
    public bool HasOther(Table table, IReadOnlyList<object?[]> rows)
    {
        // The single key is one row, whose time is the file's.
        var values = table.Columns.Select((c, i) => (c.Name, At: i)).Where(c => table.Name != Table.KeyTable || c.Name == Value);
        return Read(table) is { Count: > 0 } kept && !Values(kept).SequenceEqual(Values(rows));

        IEnumerable<object?> Values(IReadOnlyList<object?[]> all) => all.SelectMany(row => values.Select(c => row[c.At]));
    }

    /// <summary>Excludes the commands that change the ring.</summary>
    public Task<FileStream> LockAsync(CancellationToken ct) => KeyRingFile.LockAsync(service.Value.KeyRingFile, clock, ct);

    /// <summary>Writes the file of opened rows, unless there are none, and returns what puts the one before back.</summary>
    public Action Write(Table table, IReadOnlyList<object?[]> rows)
    {
        if (rows.Count == 0)
            return () => { };
        var file = FileOf(table);
        var before = File.Exists(file) ? (Content: File.ReadAllBytes(file), Time: File.GetLastWriteTimeUtc(file)) : default;
        if (table.Name == Table.KeyTable)
        {
            PrivateFiles.Replace(
                file, Encoding.ASCII.GetBytes((string)Sealed(table, rows[0])[table.IndexOf(Value)]!),
                lastWriteUtc: (DateTime)rows[0][table.IndexOf("created_at")]!);
        }
        else
        {
            PrivateFiles.Replace(file, JsonSerializer.SerializeToUtf8Bytes(
                rows.Select(row => table.Columns.Select((c, i) => (c.Name, Value: row[i])).ToDictionary(c => c.Name, c => c.Value))));
        }
        return () =>
        {
            if (before.Content is null)
                File.Delete(file);
            else
                PrivateFiles.Replace(file, before.Content, lastWriteUtc: before.Time);
        };
    }

    /// <summary>The row as a comparison needs it: the single key is in plain text there.</summary>
    public object?[] Opened(Table table, object?[] row) =>
        table.Name == Table.KeyTable ? With(table, row, value => envelope.Open(value)) : row;

    /// <summary>The row as it is to be stored: encrypted when <c>Jwt__KeyEncryptionKey</c> is set.</summary>
    public object?[] Sealed(Table table, object?[] row) =>
        table.Name == Table.KeyTable ? With(table, row, value => envelope.ShouldSeal(value) ? envelope.Seal(value) : value) : row;

    static object?[] With(Table table, object?[] row, Func<string, string> change)
    {
        object?[] changed = [.. row];
        changed[table.IndexOf(Value)] = change((string)row[table.IndexOf(Value)]!);
        return changed;
    }

    static object? ValueOf(JsonElement key, Column column) =>
        !key.TryGetProperty(column.Name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : column.Type == typeof(DateTime) ? ProfilesDbContext.ToStored(value.GetDateTime().ToUniversalTime())
        : value.GetString();

    string FileOf(Table table) => table.Name == Table.KeyTable ? service.Value.SigningKeyFile : service.Value.KeyRingFile;
}
