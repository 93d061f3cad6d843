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

    static FileStream Open(string path, FileStreamOptions options)
    {
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        return new(path, options);
    }
}
