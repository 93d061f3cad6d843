using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Backup;

/// <summary>Writes an archive under another name, and renames it when it is whole; otherwise nothing is left.</summary>
sealed class ArchiveWriter : IDisposable
{
    readonly string file, partial, sumsFile;
    readonly FileStream stream, sums;
    readonly TarWriter tar;

    public ArchiveWriter(string file)
    {
        this.file = file;
        partial = $"{file}.{Guid.NewGuid():N}.partial";
        sumsFile = $"{partial}.sums";
        stream = PrivateFiles.Create(partial);
        sums = PrivateFiles.Create(sumsFile);
        tar = new(stream, TarEntryFormat.Ustar, leaveOpen: true);
    }

    public void Add(Manifest manifest) =>
        Add(Archive.Manifest, JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.Manifest));

    public void Add(string name, byte[] content)
    {
        using var bytes = new MemoryStream(content);
        tar.WriteEntry(Archive.Entry(name, bytes));
        sums.Write(Encoding.ASCII.GetBytes(Archive.Sum(SHA256.HashData(content), name)));
    }

    /// <summary>Adds the rows of a table in parts, so that none of them has to be long in memory.</summary>
    public async Task AddAsync(Table table, IAsyncEnumerable<object?[]> rows, CancellationToken ct)
    {
        var (text, part) = (new RowText(), 0);
        await foreach (var row in rows.WithCancellation(ct))
        {
            text.Add(row);
            if (text.Lines.Length >= Archive.PartBytes)
                AddPart();
        }
        if (text.Lines.Length > 0)
            AddPart();

        void AddPart()
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                gzip.Write(text.Lines.Span);
            Add(string.Create(CultureInfo.InvariantCulture, $"{Archive.PartOf(table.Name)}{++part:D6}.jsonl.gz"), packed.ToArray());
            text.Clear();
        }
    }

    /// <summary>Completes the archive; returns its size.</summary>
    public async Task<long> CompleteAsync(CancellationToken ct)
    {
        sums.Flush();
        using (var all = Read(sumsFile))
            tar.WriteEntry(Archive.Entry(Archive.Sums, all));
        stream.Flush();
        using (var written = Read(partial))
            stream.Write(Archive.Seal(await SHA256.HashDataAsync(written, ct)));
        stream.Flush(flushToDisk: true);
        var size = stream.Length;
        // Fails when somebody has made the file meanwhile.
        File.Move(partial, file);
        Folder.Flush(Path.GetDirectoryName(file)!);
        return size;
    }

    public void Dispose()
    {
        // Not the tar itself, which would be ended after its seal.
        stream.Dispose();
        sums.Dispose();
        File.Delete(partial);
        File.Delete(sumsFile);
    }

    static FileStream Read(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
}
