using System.Text.Json.Serialization;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Backup;

/// <summary>What an archive says of itself in its first entry.</summary>
/// <param name="Format">The form of the archive.</param>
/// <param name="Version">The version of the program that wrote it.</param>
/// <param name="Engine">The database that it was taken from. It can be restored into either.</param>
/// <param name="Schema">The name of the last migration.</param>
/// <param name="CreatedAt">When its rows were read, UTC.</param>
/// <param name="Tables">Its tables, each after those that it refers to.</param>
sealed record Manifest(
    int Format, string Version, DatabaseProvider Engine, string Schema, DateTime CreatedAt, IReadOnlyList<ManifestTable> Tables)
{
    public const int PresentFormat = 1;

    public static string ProgramVersion => typeof(Manifest).Assembly.GetName().Version!.ToString(3);

    /// <summary>Throws <see cref="StartException"/> for an archive that this program cannot restore.</summary>
    public void Check()
    {
        if (Format > PresentFormat || !Table.Schemas.Contains(Schema))
            throw new StartException($"The archive was made by a newer version ({Version}): restore it with that version.");
        if (Schema != Table.Schemas[^1])
        {
            throw new StartException(
                $"The archive was made by an older version ({Version}): restore it with that version, then start this one.");
        }
        if (!Tables.Select(t => t.Name).SequenceEqual(Table.All.Select(t => t.Name))
            || !Tables.Zip(Table.All).All(t => t.First.Columns.SequenceEqual(t.Second.Columns.Select(c => c.Name))))
            throw new InvalidDataException("The archive has other tables than its schema.");
    }
}

/// <param name="Name">The name of the table.</param>
/// <param name="Rows">The number of its rows.</param>
/// <param name="LastNumber">The last number that the database gave to a row of it; 0 for none.</param>
/// <param name="Columns">The names of the values of a row.</param>
sealed record ManifestTable(string Name, long Rows, long LastNumber, IReadOnlyList<string> Columns);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, WriteIndented = true,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Manifest))]
sealed partial class ManifestJson : JsonSerializerContext;
