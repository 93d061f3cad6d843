using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Keeps pictures as <c>&lt;directory&gt;/profile/&lt;user_id&gt;.jpg</c> (seed 001). A new one waits beside it as <c>&lt;user_id&gt;.&lt;version&gt;.jpg</c>
/// until the profile shows it; a crash in between leaves both, and the one that the profile shows is served.
/// </summary>
sealed partial class LocalImageStorage(IOptions<ImagesOptions> options, ILogger<LocalImageStorage> log) : IImageStorage
{
    readonly string directory = Path.Combine(options.Value.Directory, "profile");

    public async Task<StoredImage> SaveAsync(long userId, ProcessedImage image, CancellationToken ct)
    {
        var temporary = Path.Combine(directory, $".{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(directory);
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                await file.WriteAsync(image.Jpeg, ct);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, WaitingPath(userId, image.Version), overwrite: true);
            FlushDirectory();
            return new(image.Version, $"/static/profile/{userId.ToString(CultureInfo.InvariantCulture)}.jpg?v={image.Version}");
        }
        catch (Exception e)
        {
            Try(() => File.Delete(temporary));
            // A full disk is answered as such; of the rest the client learns only that storing failed.
            if (e is UnauthorizedAccessException || (e is IOException && !FaultHandler.IsFull(e)))
                throw new ImageStorageException("The image directory cannot be written to.", e);
            throw;
        }
    }

    public Task ReplaceAsync(long userId, string current, string? previous)
    {
        Try(() =>
        {
            File.Move(WaitingPath(userId, current), ShownPath(userId), overwrite: true);
            FlushDirectory();
        });
        return Task.CompletedTask;
    }

    public Task DiscardAsync(long userId, string saved)
    {
        Try(() => File.Delete(WaitingPath(userId, saved)));
        return Task.CompletedTask;
    }

    public Task DeleteAsync(long userId, string key)
    {
        try
        {
            File.Delete(WaitingPath(userId, key));
            File.Delete(ShownPath(userId));
            FlushDirectory();
            return Task.CompletedTask;
        }
        catch (DirectoryNotFoundException)
        {
            // Gone before is gone.
            return Task.CompletedTask;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageStorageException("The image could not be removed from the directory.", e);
        }
    }

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
        var waiting = version is { Length: 8 } && version.All(char.IsAsciiHexDigitLower) ? WaitingPath(userId, version) : null;
        return (waiting is null ? null : await ReadAsync(waiting, ct)) ?? await ReadAsync(ShownPath(userId), ct);
    }

    /// <summary>Ends what a crash interrupted: shows the waiting picture that the profile names, removes the others and half-written files.</summary>
    /// <param name="shownBy">The key of the picture that a user's profile shows.</param>
    /// <param name="now">Now.</param>
    /// <param name="ct">Stops between two files.</param>
    public async Task RecoverAsync(Func<long, Task<string?>> shownBy, DateTimeOffset now, CancellationToken ct)
    {
        if (!Directory.Exists(directory))
            return;
        // Another instance on the same directory may be writing: only what is old is a remainder.
        foreach (var file in Directory.EnumerateFiles(directory, ".*.tmp").Where(f => File.GetLastWriteTimeUtc(f) < now.UtcDateTime.AddMinutes(-10)))
            Try(() => File.Delete(file));
        foreach (var file in Directory.EnumerateFiles(directory, "*.*.jpg"))
        {
            ct.ThrowIfCancellationRequested();
            if (Path.GetFileName(file).Split('.') is not [var id, var version, _] || !long.TryParse(id, CultureInfo.InvariantCulture, out var userId))
                continue;
            if (await shownBy(userId) == version)
                await ReplaceAsync(userId, version, previous: null);
            else if (File.GetLastWriteTimeUtc(file) < now.UtcDateTime.AddMinutes(-10))
                Try(() => File.Delete(file));
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

    string ShownPath(long userId) => Path.Combine(directory, $"{userId.ToString(CultureInfo.InvariantCulture)}.jpg");

    string WaitingPath(long userId, string version) => Path.Combine(directory, $"{userId.ToString(CultureInfo.InvariantCulture)}.{version}.jpg");

    void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogError(e, "A picture's file could not be moved or removed.");
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
