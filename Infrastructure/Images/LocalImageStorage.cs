using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps pictures as <c>&lt;directory&gt;/profile/&lt;user_id&gt;.jpg</c> (seed 001). A new one is published beside it as <c>&lt;user_id&gt;.&lt;version&gt;.jpg</c>,
/// and takes the old one's place when the profile shows it; a crash in between leaves both, and the one that the profile shows is served.
/// The variants are <c>&lt;user_id&gt;_&lt;side&gt;.&lt;version&gt;.jpg</c> and stay so.
/// </summary>
sealed partial class LocalImageStorage(IOptions<ImagesOptions> options, ILogger<LocalImageStorage> log) : IImageStorage
{
    const string Route = "/static/profile/";

    const string VersionMark = "?v=";

    // 128 bits: nobody guesses them.
    const int VersionDigits = 32;

    const string Probe = ".probe";

    readonly string directory = Path.Combine(options.Value.Directory, "profile");

    public OutboxStore Store => OutboxStore.LocalImages;

    public bool SettlesUnderLock => true;

    /// <summary>The address of a variant of the picture at an address.</summary>
    public static string VariantUrl(string url, int side) => url.Replace(".jpg?", string.Create(CultureInfo.InvariantCulture, $"_{side}.jpg?"), StringComparison.Ordinal);

    public string KeyFor(ProcessedImage image) => image.Version;

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct)
    {
        try
        {
            Directory.CreateDirectory(directory);
            await WriteAsync([.. Parts.Zip([image.Jpeg, .. image.Variants], (side, jpeg) => (TemporaryPath(entry, side), jpeg))], ct);
            // Not the key, which anybody can work out who has the image: a fresh one, so that an address that was given away ends with its upload.
            return $"{Route}{Name(entry.UserId, null)}.jpg{VersionMark}{RandomNumberGenerator.GetHexString(VersionDigits, lowercase: true)}";
        }
        catch (Exception e) when (IsOurs(e))
        {
            throw new ImageStorageException("The image directory cannot be written to.", e);
        }
    }

    public Task PublishAsync(OutboxEntry entry) => Do("The image could not be published in the directory.", () =>
    {
        foreach (var side in Parts)
            File.Move(TemporaryPath(entry, side), PublishedPath(entry.UserId, side, entry.Key), overwrite: true);
        FlushDirectory();
    });

    public Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        Do("The image could not be put in place or removed in the directory.", () =>
        {
            // The picture itself first: what fails before it is gone has changed nothing, and what fails after it cannot bring it back.
            if (shown is null)
                Delete(ShownPath(entry.UserId));
            else if (File.Exists(PublishedPath(entry.UserId, null, shown)))
                File.Move(PublishedPath(entry.UserId, null, shown), ShownPath(entry.UserId), overwrite: true);
            foreach (var side in Parts)
                Delete(TemporaryPath(entry, side));
            foreach (var side in entry.Key == shown ? [] : Parts)
                Delete(PublishedPath(entry.UserId, side, entry.Key));
            TryFlushDirectory();
        });
        return Task.FromResult(Settlement.Done);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        // One name for all: what a crash leaves of it is the next one's.
        var probe = Path.Combine(directory, Probe);
        try
        {
            // A byte, for which a full disk has no room.
            await File.WriteAllBytesAsync(probe, [0], ct);
        }
        finally
        {
            File.Delete(probe);
        }
    }

    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, CancellationToken ct) => ReadAsync(userId, null, image.Key, ct);

    // By either of its names.
    public bool MayHave(long userId, ProfileImage image) => Path.Exists(ShownPath(userId)) || Path.Exists(PublishedPath(userId, null, image.Key));

    /// <summary>The bytes of a user's image, or of its variant of a side; null when they are not there. What is shown may be another image by now: that has another key.</summary>
    public async Task<byte[]?> ReadAsync(long userId, int? side, string key, CancellationToken ct) =>
        await ReadAsync(PublishedPath(userId, side, key), ct) ?? (side is null ? await ReadAsync(ShownPath(userId), ct) : null);

    /// <summary>Whether an address is the one with this version. How long it takes tells nothing of a version that is nearly right.</summary>
    public static bool IsVersionOf(string url, string? version) => url.Split(VersionMark) is [_, { Length: > 0 } own]
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(version ?? ""), Encoding.UTF8.GetBytes(own));

    public async IAsyncEnumerable<KeptImage> ListAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask;
        if (!Directory.Exists(directory))
            yield break;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles())
        {
            ct.ThrowIfCancellationRequested();
            if (file.Name != Probe)
                yield return new(file.Name, file.Length, file.LastWriteTimeUtc, token => File.ReadAllBytesAsync(file.FullName, token));
        }
    }

    /// <summary>Where a picture and its variants are when the row names it: each by the names that it may have at that time.</summary>
    public static IReadOnlyList<string[]> NamesOf(long userId, string key) =>
        [.. Parts.Select(side => side is null ? [$"{Name(userId, side)}.{key}.jpg", $"{Name(userId, side)}.jpg"] : new[] { $"{Name(userId, side)}.{key}.jpg" })];

    /// <summary>What an entry's files are called while they are written.</summary>
    public static IEnumerable<string> TemporaryNamesOf(OutboxEntry entry) => Parts.Select(side => TemporaryName(entry, side));

    // The picture itself and its variants.
    static IEnumerable<int?> Parts => [null, .. ProcessedImage.Sides];

    // All are written before the first is flushed, which then takes the others along.
    static async Task WriteAsync((string Path, byte[] Jpeg)[] parts, CancellationToken ct)
    {
        var files = new List<FileStream>();
        try
        {
            foreach (var (path, jpeg) in parts)
            {
                files.Add(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0));
                await files[^1].WriteAsync(jpeg, ct);
            }
            files.ForEach(file => file.Flush(flushToDisk: true));
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }

    static async Task<byte[]?> ReadAsync(string path, CancellationToken ct)
    {
        try
        {
            return await File.ReadAllBytesAsync(path, ct);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    static string Name(long userId, int? side) =>
        side is null ? userId.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{userId}_{side}");

    string ShownPath(long userId) => Path.Combine(directory, $"{Name(userId, null)}.jpg");

    string PublishedPath(long userId, int? side, string version) => Path.Combine(directory, $"{Name(userId, side)}.{version}.jpg");

    // Two uploads of one picture at once have each their own.
    static string TemporaryName(OutboxEntry entry, int? side) => string.Create(CultureInfo.InvariantCulture, $".{Name(entry.UserId, side)}.{entry.Id}.tmp");

    string TemporaryPath(OutboxEntry entry, int? side) => Path.Combine(directory, TemporaryName(entry, side));

    static Task Do(string failure, Action action)
    {
        try
        {
            action();
            return Task.CompletedTask;
        }
        catch (Exception e) when (IsOurs(e))
        {
            throw new ImageStorageException(failure, e);
        }
    }

    // A disk that is full or read-only is answered as such; of the rest the client learns only that storing failed.
    static bool IsOurs(Exception e) => e is UnauthorizedAccessException || (e is IOException && !FaultHandler.IsFull(e) && !FaultHandler.IsReadOnly(e));

    static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone before is gone.
        }
    }

    // What was removed is removed: a directory that cannot be flushed must not bring the profile to show it again.
    void TryFlushDirectory()
    {
        try
        {
            FlushDirectory();
        }
        catch (IOException e)
        {
            log.LogError(e, "The image directory could not be flushed.");
        }
    }

    // A rename is durable when the directory is; .NET has no call for that. Elsewhere than on Linux nobody is promised that.
    void FlushDirectory()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var handle = Open(directory, ReadOnlyDirectory);
        if (handle < 0)
            throw new IOException("The image directory cannot be opened.", Marshal.GetLastPInvokeError());
        try
        {
            if (FSync(handle) != 0)
                throw new IOException("The image directory cannot be flushed.", Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = Close(handle);
        }
    }

    // O_RDONLY | O_CLOEXEC; the same on x64 and arm64.
    const int ReadOnlyDirectory = 0x80000;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
