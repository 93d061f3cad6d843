using System.Diagnostics;

namespace Profiles.Tests;

/// <summary>A disk in memory, over a directory; skips the test unless its user may mount one.</summary>
sealed class SmallDisk : IAsyncDisposable
{
    readonly string directory;

    SmallDisk(string directory) => this.directory = directory;

    /// <param name="directory">Where it is mounted.</param>
    /// <param name="options">The size and other options of tmpfs.</param>
    public static async Task<SmallDisk> MountAsync(string directory, string options)
    {
        Assert.SkipUnless(
            await RunAsync("mount", "-t", "tmpfs", "-o", options, "profiles-tests", directory), "Only root may mount a small disk.");
        return new(directory);
    }

    public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", directory);

    static async Task<bool> RunAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode == 0;
    }
}
