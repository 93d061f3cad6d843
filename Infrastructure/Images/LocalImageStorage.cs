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
/// Stores images as <c>&lt;directory&gt;/profile/&lt;user_id&gt;.jpg</c>. A new image is published beside it as
/// <c>&lt;user_id&gt;.&lt;version&gt;.jpg</c> and replaces it once the profile's row names the new one; a crash in between leaves both, and
/// the one that the row names is served. Variants are <c>&lt;user_id&gt;_&lt;side&gt;.&lt;version&gt;.jpg</c> and are never renamed.
/// </summary>
sealed partial class LocalImageStorage(IOptions<ImagesOptions> options, ILogger<LocalImageStorage> log) : IImageStorage
{
    /// <summary>The folder of the images in the directory of the settings.</summary>
    public const string Folder = "profile";

    const string Route = "/static/profile/";

    const string VersionMark = "?v=";

    // 128 bits, which nobody can guess.
    const int VersionDigits = 32;

    const string Probe = ".probe";

    readonly string directory = Path.Combine(options.Value.Directory, Folder);

    public OutboxStore Store => OutboxStore.LocalImages;

    public bool SettlesUnderLock => true;

    /// <summary>The address of a variant of the image at <paramref name="url"/>.</summary>
    public static string VariantUrl(string url, int side) =>
        url.Replace(".jpg?", string.Create(CultureInfo.InvariantCulture, $"_{side}.jpg?"), StringComparison.Ordinal);

    public string KeyFor(ProcessedImage image) => image.Version;

    public async Task<string> SaveAsync(OutboxEntry entry, ProcessedImage image, CancellationToken ct)
    {
        try
        {
            Directory.CreateDirectory(directory);
            await WriteAsync(
                [.. IImageStorage.Parts.Zip([image.Jpeg, .. image.Variants], (side, jpeg) => (TemporaryPath(entry, side), jpeg))], ct);
            // Not the key, which anyone who has the image can compute; and fresh, so that the next upload invalidates shared addresses.
            var version = RandomNumberGenerator.GetHexString(VersionDigits, lowercase: true);
            return $"{Route}{Name(entry.UserId, null)}.jpg{VersionMark}{version}";
        }
        catch (Exception e) when (IsStorageFault(e))
        {
            throw new ImageStorageException("The image directory cannot be written to.", e);
        }
    }

    public Task PublishAsync(OutboxEntry entry) => Guard("The image could not be published in the directory.", () =>
    {
        foreach (var side in IImageStorage.Parts)
            File.Move(TemporaryPath(entry, side), PublishedPath(entry.UserId, side, entry.Key), overwrite: true);
        FlushDirectory();
    });

    public Task<Settlement> SettleAsync(OutboxEntry entry, string? shown)
    {
        Guard("The image could not be put in place or removed in the directory.", () =>
        {
            // The image itself first: a failure before it is deleted has changed nothing, and one after it cannot restore it.
            if (shown is null)
                Delete(ShownPath(entry.UserId));
            else if (File.Exists(PublishedPath(entry.UserId, null, shown)))
                File.Move(PublishedPath(entry.UserId, null, shown), ShownPath(entry.UserId), overwrite: true);
            foreach (var side in IImageStorage.Parts)
                Delete(TemporaryPath(entry, side));
            foreach (var side in entry.Key == shown ? [] : IImageStorage.Parts)
                Delete(PublishedPath(entry.UserId, side, entry.Key));
            TryFlushDirectory();
        });
        return Task.FromResult(Settlement.Done);
    }

    public async Task CheckAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        // A fixed name: the next check deletes what a crash leaves.
        var probe = Path.Combine(directory, Probe);
        try
        {
            // One byte, since a full disk still creates an empty file.
            await File.WriteAllBytesAsync(probe, [0], ct);
        }
        finally
        {
            File.Delete(probe);
        }
    }

    public Task<byte[]?> ReadAsync(long userId, ProfileImage image, int? side, CancellationToken ct) =>
        ReadAsync(userId, side, image.Key, ct);

    public Task<bool> MayHaveAsync(long userId, ProfileImage image) =>
        Task.FromResult(Path.Exists(ShownPath(userId)) || Path.Exists(PublishedPath(userId, null, image.Key)));

    /// <summary>
    /// Reads a user's image, or its variant of the given side; null when the file is missing. The file may already be a newer image, which
    /// has another key.
    /// </summary>
    public async Task<byte[]?> ReadAsync(long userId, int? side, string key, CancellationToken ct) =>
        await ReadAsync(PublishedPath(userId, side, key), ct) ?? (side is null ? await ReadAsync(ShownPath(userId), ct) : null);

    /// <summary>Whether an address has this version. Compares in constant time: no version can be guessed digit by digit.</summary>
    public static bool IsVersionOf(string url, string? version) => url.Split(VersionMark) is [_, { Length: > 0 } expected]
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(version ?? ""), Encoding.UTF8.GetBytes(expected));

    public async IAsyncEnumerable<StoredImage> ListAsync([EnumeratorCancellation] CancellationToken ct)
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

    public IReadOnlyList<string[]> NamesOf(long userId, string key) => [.. IImageStorage.Parts.Select(side => side is null
        ? [$"{Name(userId, side)}.{key}.jpg", $"{Name(userId, side)}.jpg"]
        : new[] { $"{Name(userId, side)}.{key}.jpg" })];

    /// <summary>The names of an entry's files while they are written.</summary>
    public static IEnumerable<string> TemporaryNamesOf(OutboxEntry entry) => IImageStorage.Parts.Select(side => TemporaryName(entry, side));

    // All files are written before the first flush, which then flushes the others along.
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

    // The entry's id keeps two concurrent uploads of the same image apart.
    static string TemporaryName(OutboxEntry entry, int? side) =>
        string.Create(CultureInfo.InvariantCulture, $".{Name(entry.UserId, side)}.{entry.Id}.tmp");

    string TemporaryPath(OutboxEntry entry, int? side) => Path.Combine(directory, TemporaryName(entry, side));

    static Task Guard(string failure, Action action)
    {
        try
        {
            action();
            return Task.CompletedTask;
        }
        catch (Exception e) when (IsStorageFault(e))
        {
            throw new ImageStorageException(failure, e);
        }
    }

    // A full or read-only disk has its own answer (507, 503); for every other fault the client learns only that storing failed.
    static bool IsStorageFault(Exception e) =>
        e is UnauthorizedAccessException || (e is IOException && !ExceptionHandler.IsFull(e) && !ExceptionHandler.IsReadOnly(e));

    static void Delete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (DirectoryNotFoundException)
        {
            // File.Delete ignores a missing file, but not a missing directory.
        }
    }

    // A deletion that cannot be flushed still counts: the profile must not show the image again.
    void TryFlushDirectory()
    {
        try
        {
            FlushDirectory();
        }
        catch (IOException e)
        {
            log.LogError(e, "The image directory could not be flushed; the last change may be lost when the machine fails.");
        }
    }

    // A rename is durable once the directory is flushed, which .NET has no call for. Only Linux gets this guarantee.
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
