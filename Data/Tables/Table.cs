using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Profiles.Data.PostgreSql;

namespace Profiles.Data.Tables;

/// <summary>A table as both databases have it, described by EF Core's model: a new one is backed up and moved by itself.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Columns">By name.</param>
/// <param name="Key">The columns of the primary key, by which rows are ordered.</param>
/// <param name="Counter">The column that the database numbers; null when there is none.</param>
sealed record Table(string Name, IReadOnlyList<Column> Columns, IReadOnlyList<string> Key, string? Counter)
{
    /// <summary>The tables of keys, for which SQLite has files.</summary>
    public const string KeyTable = "signing_keys", RingTable = "signing_key_ring";

    static readonly Lazy<(IReadOnlyList<Table> Tables, IReadOnlyList<string> Schemas)> Described = new(Describe);

    /// <summary>All tables, each after those that it refers to. SQLite has no tables of keys.</summary>
    public static IReadOnlyList<Table> All => Described.Value.Tables;

    /// <summary>The names of the migrations, which the databases share; the last is the present schema.</summary>
    public static IReadOnlyList<string> Schemas => Described.Value.Schemas;

    /// <summary>Whether its rows are keys, which exist from the first start on.</summary>
    public bool IsOfKeys => Name is KeyTable or RingTable;

    /// <summary>The quoted columns, separated by commas.</summary>
    public string ColumnList => string.Join(", ", Columns.Select(c => $"\"{c.Name}\""));

    /// <summary>Reads rows, in an order that both databases agree on.</summary>
    public string Query(string filter) =>
        $"SELECT {ColumnList} FROM \"{Name}\" {filter} ORDER BY {string.Join(", ", Key.Select(k => $"\"{k}\""))}";

    public int IndexOf(string column) => Columns.Select(c => c.Name).ToList().IndexOf(column);

    /// <summary>Writes a row as a JSON array.</summary>
    public static void Write(Utf8JsonWriter json, object?[] row)
    {
        json.WriteStartArray();
        foreach (var value in row)
            Column.Write(json, value);
        json.WriteEndArray();
    }

    /// <summary>Reads a row; throws <see cref="InvalidDataException"/> when it is none of this table's.</summary>
    public object?[] Read(ReadOnlySpan<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            var row = new object?[Columns.Count];
            var isRow = json.Read() && json.TokenType == JsonTokenType.StartArray;
            for (var i = 0; isRow && i < row.Length; i++)
            {
                isRow = json.Read() && json.TokenType != JsonTokenType.EndArray;
                row[i] = isRow ? Columns[i].Read(ref json) : null;
            }
            return isRow && json.Read() && json.TokenType == JsonTokenType.EndArray && !json.Read()
                ? row
                : throw new InvalidDataException($"A row of {Name} has other columns.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException
            or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException($"A row of {Name} cannot be read.", e);
        }
    }

    // The model of PostgreSQL has all tables. It needs no server.
    static (IReadOnlyList<Table>, IReadOnlyList<string>) Describe()
    {
        using var db = new PostgreSqlProfilesDbContext(
            new DbContextOptionsBuilder<PostgreSqlProfilesDbContext>().UseNpgsql("Host=none").Options);
        List<ITable> left = [.. db.Model.GetRelationalModel().Tables.OrderBy(t => t.Name, StringComparer.Ordinal)], ordered = [];
        while (left.Count > 0)
        {
            var next = left.First(t => t.ForeignKeyConstraints.All(k => k.PrincipalTable == t || ordered.Contains(k.PrincipalTable)));
            left.Remove(next);
            ordered.Add(next);
        }
        return ([.. ordered.Select(Of)], [.. db.Database.GetMigrations().Select(id => id[(id.IndexOf('_') + 1)..])]);
    }

    static Table Of(ITable table)
    {
        var key = table.PrimaryKey!.Columns;
        var isNumbered = key is [var only] && TypeOf(only) == typeof(long)
            && only.PropertyMappings.All(m => m.Property.ValueGenerated == ValueGenerated.OnAdd);
        return new(
            table.Name,
            [.. table.Columns.OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => new Column(c.Name, TypeOf(c)))],
            [.. key.Select(c => c.Name)],
            isNumbered ? key[0].Name : null);
    }

    static Type TypeOf(IColumn column)
    {
        var type = Nullable.GetUnderlyingType(column.ProviderClrType) ?? column.ProviderClrType;
        return type == typeof(int) || type == typeof(short) ? typeof(long) : type;
    }
}
