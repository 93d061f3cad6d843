using Profiles.Data.Tables;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.Restore;

/// <summary>Writes what is in an archive to a database and a folder that are not yet in place.</summary>
sealed class RestoreContents(ArchiveReader archive, Progress progress, CancellationToken ct) : IAsyncDisposable
{
    /// <summary>
    /// An access token names its session by number, and one that was given after the backup must not fit a session of somebody else.
    /// </summary>
    const long SessionGap = 1_000_000;

    readonly IAsyncEnumerator<(string Name, byte[] Content)> entries = archive.ReadAsync(ct).GetAsyncEnumerator(ct);

    public long Rows { get; private set; }

    public long Images { get; private set; }

    bool HasMore { get; set; }

    public async Task WriteAsync(WholeDatabase database, RestoredImages images)
    {
        var manifest = await NextAsync() && entries.Current.Name == Archive.Manifest
            ? ArchiveReader.Parse(entries.Current.Content)
            : throw new InvalidDataException("It does not begin with its manifest.");
        while (await NextAsync() && entries.Current.Name.StartsWith(Archive.ImageFolder, StringComparison.Ordinal))
        {
            Images++;
            await images.AddAsync(entries.Current.Name, entries.Current.Content, ct);
        }
        foreach (var (table, described) in Table.All.Zip(manifest.Tables))
        {
            var before = Rows;
            await database.WriteAsync(table, RowsOf(table), ct);
            if (Rows - before != described.Rows)
                throw new InvalidDataException("A table has fewer or more rows than the manifest says.");
            var gap = table.Name == "sessions" ? SessionGap : 0;
            await database.ContinueAfterAsync(table, Math.Clamp(described.LastNumber, 0, long.MaxValue - gap) + gap, ct);
        }
        if (HasMore)
            throw new InvalidDataException("It has an entry that belongs to no table.");
    }

    public ValueTask DisposeAsync() => entries.DisposeAsync();

    async IAsyncEnumerable<object?[]> RowsOf(Table table)
    {
        while (HasMore && entries.Current.Name.StartsWith(Archive.PartOf(table.Name), StringComparison.Ordinal))
        {
            foreach (var row in ArchiveReader.Rows(table, entries.Current.Content))
            {
                Rows++;
                yield return row;
            }
            await NextAsync();
        }
    }

    async Task<bool> NextAsync()
    {
        progress.Report("bytes restored", archive.Position, archive.Length);
        return HasMore = await entries.MoveNextAsync();
    }
}
