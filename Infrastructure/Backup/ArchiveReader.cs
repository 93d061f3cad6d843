using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Backup;

/// <summary>
/// Reads an archive that it has checked whole. Throws <see cref="InvalidDataException"/> where it is damaged, also for one that somebody
/// has sealed with other contents.
/// </summary>
sealed class ArchiveReader : IDisposable
{
    const int BufferBytes = 1024 * 1024;

    readonly FileStream stream;
    byte[]? sumsOfArchive;

    ArchiveReader(FileStream stream) => this.stream = stream;

    public long Position => stream.Position;

    public long Length => stream.Length;

    /// <summary>Opens an archive, and compares all its bytes with its seal.</summary>
    /// <param name="file">The archive.</param>
    /// <param name="report">Is told how many bytes of how many are compared.</param>
    /// <param name="ct">Cancels it.</param>
    public static async Task<ArchiveReader> OpenAsync(string file, Action<long, long> report, CancellationToken ct)
    {
        var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            var length = stream.Length - Archive.SealBytes;
            if (length <= 0)
                throw new InvalidDataException("It is too short.");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[BufferBytes];
            while (stream.Position < length)
            {
                var piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - stream.Position));
                await stream.ReadExactlyAsync(piece, ct);
                hash.AppendData(piece.Span);
                report(stream.Position, length);
            }
            var seal = new byte[Archive.SealBytes];
            await stream.ReadExactlyAsync(seal, ct);
            if (!seal.AsSpan().SequenceEqual(Archive.Seal(hash.GetHashAndReset())))
                throw new InvalidDataException("It is not as it was sealed.");
            stream.Position = 0;
            return new(stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>The entries with their contents up to the sums, which are compared at the end.</summary>
    public async IAsyncEnumerable<(string Name, byte[] Content)> ReadAsync([EnumeratorCancellation] CancellationToken ct)
    {
        using var sums = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var tar = new TarReader(stream, leaveOpen: true);
        while (await NextAsync(tar, ct) is { Name: not Archive.Sums } entry)
        {
            if (!Archive.IsName(entry.Name) || entry.Length > Archive.LargestEntry)
                throw new InvalidDataException("It has an entry that no archive has.");
            var content = new byte[entry.Length];
            if (entry.DataStream is not null)
                await entry.DataStream.ReadExactlyAsync(content, ct);
            sums.AppendData(Encoding.ASCII.GetBytes(Archive.Sum(SHA256.HashData(content), entry.Name)));
            yield return (entry.Name, content);
        }
        if (!sums.GetHashAndReset().AsSpan().SequenceEqual(sumsOfArchive))
            throw new InvalidDataException("An entry has another checksum.");
    }

    /// <summary>The rows of a part of a table.</summary>
    public static IEnumerable<object?[]> Rows(Table table, byte[] part)
    {
        using var gzip = new GZipStream(new MemoryStream(part), CompressionMode.Decompress);
        using var text = new MemoryStream();
        var buffer = new byte[81920];
        for (int read; (read = gzip.Read(buffer)) > 0;)
        {
            text.Write(buffer, 0, read);
            if (text.Length > Archive.LargestEntry)
                throw new InvalidDataException("A part of a table is too large.");
        }
        var lines = text.GetBuffer().AsMemory(0, (int)text.Length);
        while (lines.Length > 0)
        {
            var end = lines.Span.IndexOf((byte)'\n');
            if (end < 0)
                throw new InvalidDataException("A row has no end.");
            yield return table.Read(lines.Span[..end]);
            lines = lines[(end + 1)..];
        }
    }

    /// <summary>Reads the manifest. Throws <see cref="StartException"/> when this program cannot restore the archive.</summary>
    public static Manifest Parse(byte[] content)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(content, ManifestJson.Default.Manifest)
                ?? throw new InvalidDataException("The manifest is empty.");
            manifest.Check();
            return manifest;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException("The manifest cannot be read.", e);
        }
    }

    public void Dispose() => stream.Dispose();

    async Task<TarEntry?> NextAsync(TarReader tar, CancellationToken ct)
    {
        var entry = await tar.GetNextEntryAsync(copyData: false, ct) ?? throw new InvalidDataException("It has no checksums.");
        if (entry.EntryType != TarEntryType.RegularFile)
            throw new InvalidDataException("It has an entry that is no file.");
        if (entry.Name == Archive.Sums)
            sumsOfArchive = await SHA256.HashDataAsync(entry.DataStream ?? Stream.Null, ct);
        return entry;
    }
}
