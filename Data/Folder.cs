using System.Runtime.InteropServices;

namespace Profiles.Data;

/// <summary>A directory on the disk.</summary>
static partial class Folder
{
    const int ReadOnly = 0;

    /// <summary>Makes the names in it durable, such as of a file that was just renamed: a flush of the file covers its contents.</summary>
    public static void Flush(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var handle = Open(path, ReadOnly);
        if (handle < 0)
            return;
        // Some file systems refuse it for a directory; SQLite ignores that, too.
        _ = Sync(handle);
        _ = Close(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
