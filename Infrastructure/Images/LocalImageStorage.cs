using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps pictures as <c>&lt;directory&gt;/profile/&lt;user_id&gt;.jpg</c> (seed 001). A new one is published beside it as <c>&lt;user_id&gt;.&lt;version&gt;.jpg</c>,
/// and takes the old one's place when the profile shows it; a crash in between leaves both, and the one that the profile shows is served.
/// </summary>
sealed partial class LocalImageStorage(IOptions<ImagesOptions> options, ILogger<LocalImageStorage> log) : IImageStorage
{
    readonly string directory = Path.Combine(options.Value.Directory, "profile");

    /// <summary>The picture of a user with this key.</summary>
    public static StoredImage Stored(long userId, string key, string? temporaryFile = null) => new(key, $"/static/profile/{Name(userId)}?v={key}", temporaryFile);

    public async Task<StoredImage> SaveAsync(long userId, ProcessedImage image, CancellationToken ct)
    {
        var temporary = Path.Combine(directory, $".{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(directory);
            await using var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            await file.WriteAsync(image.Jpeg, ct);
            file.Flush(flushToDisk: true);
            return Stored(userId, image.Version, temporary);
        }
        catch (Exception e)
        {
            TryDelete(temporary);
            // A full disk is answered as such; of the rest the client learns only that storing failed.
            if (e is UnauthorizedAccessException || (e is IOException && !FaultHandler.IsFull(e)))
                throw new ImageStorageException("The image directory cannot be written to.", e);
            throw;
        }
    }

    public Task PublishAsync(long userId, StoredImage saved) => Do("The image could not be published in the directory.", () =>
    {
        File.Move(saved.TemporaryFile!, PublishedPath(userId, saved.Key), overwrite: true);
        FlushDirectory();
    });

    public Task WithdrawAsync(long userId, StoredImage shown) => Do("The image could not be withdrawn in the directory.", () =>
    {
        if (!File.Exists(ShownPath(userId)) || File.Exists(PublishedPath(userId, shown.Key)))
            return;
        File.Move(ShownPath(userId), PublishedPath(userId, shown.Key));
        FlushDirectory();
    });

    public Task SettleAsync(long userId, StoredImage? gone, string? shown) => Do("The image could not be put in place or removed in the directory.", () =>
    {
        if (gone?.TemporaryFile is { } temporary)
            Delete(temporary);
        if (shown is null)
            Delete(ShownPath(userId));
        else if (File.Exists(PublishedPath(userId, shown)))
            File.Move(PublishedPath(userId, shown), ShownPath(userId), overwrite: true);
        if (gone is not null && gone.Key != shown)
            Delete(PublishedPath(userId, gone.Key));
        // Under which name a removal that was cut short has left its picture is not known any more.
        if (gone is null && shown is null && Directory.Exists(directory))
        {
            foreach (var left in Directory.GetFiles(directory, Name(userId).Replace(".jpg", ".*.jpg", StringComparison.Ordinal)))
                Delete(left);
        }
        TryFlushDirectory();
    });

    public async Task CheckAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(directory);
        var probe = Path.Combine(directory, $".{Guid.NewGuid():N}.tmp");
        await File.WriteAllBytesAsync(probe, [], ct);
        File.Delete(probe);
    }

    /// <summary>The bytes that a user's address with this version stands for; without one, or with another, the picture that is shown. Null when there is none.</summary>
    public async Task<byte[]?> ReadAsync(long userId, string? version, CancellationToken ct)
    {
        // The version comes from the client: only its own form may get into a path.
        var published = version is { Length: 8 } && version.All(char.IsAsciiHexDigitLower) ? PublishedPath(userId, version) : null;
        return (published is null ? null : await ReadAsync(published, ct)) ?? await ReadAsync(ShownPath(userId), ct);
    }

    /// <summary>Removes files that were not written to their end. Another instance on the same directory may be writing: only what is old is a remainder.</summary>
    public void RemoveHalves(DateTimeOffset now)
    {
        if (Directory.Exists(directory))
        {
            foreach (var file in Directory.EnumerateFiles(directory, ".*.tmp").Where(f => File.GetLastWriteTimeUtc(f) < now.UtcDateTime.AddMinutes(-10)))
                TryDelete(file);
        }
    }

    /// <summary>The pictures that were published and did not get to their place.</summary>
    public IReadOnlyList<(long UserId, string Key)> Waiting() => !Directory.Exists(directory) ? [] :
    [
        .. from file in Directory.EnumerateFiles(directory, "*.*.jpg")
           let parts = Path.GetFileName(file).Split('.')
           where parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out _)
           select (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]),
    ];

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

    static string Name(long userId) => $"{userId.ToString(CultureInfo.InvariantCulture)}.jpg";

    string ShownPath(long userId) => Path.Combine(directory, Name(userId));

    string PublishedPath(long userId, string version) => Path.Combine(directory, $"{userId.ToString(CultureInfo.InvariantCulture)}.{version}.jpg");

    static Task Do(string failure, Action action)
    {
        try
        {
            action();
            return Task.CompletedTask;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageStorageException(failure, e);
        }
    }

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

    void TryDelete(string file)
    {
        try
        {
            Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogError(e, "A half-written picture could not be removed.");
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

    // A rename is durable when the directory is; .NET has no call for that.
    void FlushDirectory()
    {
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
