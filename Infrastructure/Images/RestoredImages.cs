using System.Runtime.InteropServices;

namespace Profiles.Infrastructure.Images;

/// <summary>Local images that are written beside the present ones and then replace all of them in one step.</summary>
/// <param name="directory">The directory of the images.</param>
/// <param name="isAfterHalf">Whether an earlier restore was interrupted half-way.</param>
sealed partial class RestoredImages(string directory, bool isAfterHalf) : IDisposable
{
    readonly string folder = Path.Combine(directory, LocalImageStorage.Folder);

    string Fresh => folder + ".new";

    string Before => folder + ".old";

    /// <summary>Whether there are images.</summary>
    public static bool HasImages(string directory)
    {
        var folder = Path.Combine(directory, LocalImageStorage.Folder);
        return Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
    }

    /// <summary>Removes what a killed run has left, and makes an empty folder.</summary>
    public void Begin()
    {
        Delete(Fresh);
        Directory.CreateDirectory(Fresh);
    }

    public async Task AddAsync(string name, byte[] content, CancellationToken ct)
    {
        await using var file = new FileStream(
            Path.Combine(Fresh, Path.GetFileName(name)), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        await file.WriteAsync(content, ct);
    }

    /// <summary>Flushes the whole file system: one file at a time would take hours for many images.</summary>
    public static void Flush()
    {
        if (!OperatingSystem.IsWindows())
            Sync();
    }

    public void Replace()
    {
        if (isAfterHalf && Directory.Exists(Before))
        {
            // The images from before the half restore; the present ones are its own.
            Delete(folder);
        }
        else if (Directory.Exists(folder))
        {
            Delete(Before);
            Directory.Move(folder, Before);
        }
        Directory.Move(Fresh, folder);
    }

    /// <summary>Undoes <see cref="Replace"/>, also one that failed half-way.</summary>
    public void Undo()
    {
        if (!Directory.Exists(Fresh))
            Directory.Move(folder, Fresh);
        if (Directory.Exists(Before) && !Directory.Exists(folder))
            Directory.Move(Before, folder);
    }

    /// <summary>Deletes the images that were replaced, once their rows are, too.</summary>
    public void Complete() => Delete(Before);

    /// <summary>Deletes the images that did not replace any.</summary>
    public void Dispose() => Delete(Fresh);

    static void Delete(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "sync")]
    private static partial void Sync();
}
