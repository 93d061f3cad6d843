using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.Backup;

/// <summary>
/// Adds the local images that the profiles name. An image that was replaced or deleted after the snapshot is gone: the profile then gets
/// the image that it has by now, or none, so that rows and files of the archive agree.
/// </summary>
sealed class BackupImages(DatabaseEngine engine, LocalImageStorage storage)
{
    // A file may be renamed between two looks.
    const int MostTries = 4;

    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    static readonly Table Profiles = Table.All.Single(t => t.Name == "user_profiles");

    static readonly int Id = Profiles.IndexOf("user_id"), Key = Profiles.IndexOf("image_key"), Url = Profiles.IndexOf("image_url"),
        Width = Profiles.IndexOf("image_width");

    static readonly int[] OfImage = [.. Enumerable.Range(0, Profiles.Columns.Count).Where(i =>
        Profiles.Columns[i].Name is "version" or "updated_at" || Profiles.Columns[i].Name.StartsWith("image_", StringComparison.Ordinal))];

    readonly Dictionary<long, object?[]> changed = [];

    /// <summary>Images in the archive, without their variants.</summary>
    public int Stored { get; private set; }

    /// <summary>Images that another storage has.</summary>
    public int Remote { get; private set; }

    /// <summary>Images that were missing or damaged before.</summary>
    public int Faulty { get; private set; }

    public async Task AddAsync(ArchiveWriter archive, TableTransaction tables, Progress progress, CancellationToken ct)
    {
        var (done, total) = (0L, await tables.CountAsync(Profiles, ct));
        await foreach (var row in tables.ReadAsync(Profiles, ct))
        {
            progress.Report("images of profiles", ++done, total);
            var stored = await AddAsync(archive, row, ct);
            if (stored != row)
                changed[(long)row[Id]!] = stored;
        }
    }

    /// <summary>The row with the image that the archive has.</summary>
    public object?[] AsStored(Table table, object?[] row) =>
        table == Profiles && changed.TryGetValue((long)row[Id]!, out var stored) ? stored : row;

    async Task<object?[]> AddAsync(ArchiveWriter archive, object?[] row, CancellationToken ct)
    {
        var stored = row;
        for (var tries = 1; ; tries++)
        {
            if (stored[Key] is not string key || stored[Url] is not string url)
                return stored;
            if (url is not ['/', ..])
            {
                Remote++;
                return stored;
            }
            var (files, isWhole) = await ReadAsync((long)row[Id]!, key, stored[Width] is long and > 0, ct);
            var now = isWhole ? stored : await FindAsync(row, ct);
            if (isWhole || (Equals(now[Key], key) && tries >= MostTries))
            {
                foreach (var (name, content) in files)
                    archive.Add(Archive.ImageFolder + name, content);
                (Stored, Faulty) = isWhole ? (Stored + 1, Faulty) : (Stored, Faulty + 1);
                return stored;
            }
            if (Equals(now[Key], key))
                await Task.Delay(Pause, ct);
            else
                tries = 0;
            stored = now;
        }
    }

    async Task<(List<(string Name, byte[] Content)> Files, bool IsWhole)> ReadAsync(
        long id, string key, bool hasVariants, CancellationToken ct)
    {
        var files = new List<(string, byte[])>();
        // The last of its names is the one that an image has when nothing is left to do.
        var names = storage.NamesOf(id, key).Select(n => n[^1]).Take(hasVariants ? int.MaxValue : 1).ToArray();
        foreach (var (name, side) in names.Zip([null, .. ProcessedImage.Sides.Select(s => (int?)s)]))
        {
            if (await storage.ReadAsync(id, side, key, ct) is { } content && (side is not null || ProcessedImage.VersionOf(content) == key))
                files.Add((name, content));
        }
        return (files, files.Count == names.Length);
    }

    // The profile with its present image; without one when the user is deleted, too.
    async Task<object?[]> FindAsync(object?[] row, CancellationToken ct)
    {
        await using var present = await engine.ReadTablesAsync(alone: false, ct);
        var now = await present.FindAsync(Profiles, (long)row[Id]!, ct);
        object?[] mixed = [.. row];
        foreach (var i in OfImage)
            mixed[i] = now is not null ? now[i] : Profiles.Columns[i].Name is "version" or "updated_at" ? row[i] : null;
        return mixed;
    }
}
