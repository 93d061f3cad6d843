using Profiles.Data;

namespace Profiles.Infrastructure.Settings;

/// <summary>
/// Creates files and directories that only the service's user can read. Windows has no such modes: there the parent directory decides.
/// </summary>
static class PrivateFiles
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static DirectoryInfo CreateDirectory(string path) =>
        OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(path)
            : Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>Opens a new file for writing.</summary>
    /// <exception cref="IOException">The file exists already.</exception>
    public static FileStream Create(string path) => Open(path, new() { Mode = FileMode.CreateNew, Access = FileAccess.Write });

    /// <summary>Opens a file that no other process has open, and creates it when it is missing.</summary>
    /// <exception cref="IOException">Another process has it open.</exception>
    public static FileStream OpenAlone(string path) =>
        Open(path, new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None });

    /// <summary>Puts a whole file in the place of another: nobody ever reads half of it, and a failure leaves nothing beside it.</summary>
    /// <exception cref="IOException">The file cannot be written, or exists already and is not to be overwritten.</exception>
    public static void Replace(string path, ReadOnlySpan<byte> content, bool overwrite = true, DateTime? lastWriteUtc = null)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}";
        try
        {
            using (var stream = Create(temporary))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            if (lastWriteUtc is { } time)
                File.SetLastWriteTimeUtc(temporary, time);
            File.Move(temporary, path, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        Folder.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    static FileStream Open(string path, FileStreamOptions options)
    {
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new(path, options);
    }
}
