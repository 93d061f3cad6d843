using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Tests;

/// <summary>A process as /proc shows it: a server, or one of its decoding workers.</summary>
sealed partial record LinuxProcess(int Id)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    string Directory => $"/proc/{Id}";

    /// <summary>Whether it has ended with all its threads, even as a zombie.</summary>
    public bool IsGone => Stat() is not { } stat ||
        (stat[0] is "Z" or "X" && Try(() => System.IO.Directory.GetDirectories($"{Directory}/task")) is null or { Length: 1 });

    public IReadOnlyList<string> Environment => File.ReadAllText($"{Directory}/environ").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    public IReadOnlyList<string> CommandLine => File.ReadAllText($"{Directory}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The targets of its open descriptors: paths, pipes, sockets.</summary>
    public IReadOnlyList<string> Descriptors =>
        [.. new DirectoryInfo($"{Directory}/fd").EnumerateFileSystemInfos().Select(Target).OfType<string>()];

    /// <summary>The files that are mapped into its memory.</summary>
    public IReadOnlyList<string> Loaded => [.. File.ReadLines($"{Directory}/maps")
        .Select(l => l.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries)).Where(l => l.Length == 6).Select(l => l[5])];

    /// <summary>The workers of a server whose sandbox is in place.</summary>
    public static LinuxProcess[] WorkersOf(ServerProcess server) =>
        [.. new DirectoryInfo("/proc").EnumerateDirectories().Where(d => d.Name.All(char.IsAsciiDigit))
            .Select(d => new LinuxProcess(int.Parse(d.Name, CultureInfo.InvariantCulture)))
            .Where(p => p.Stat() is [not "Z", var parent, ..] && parent == $"{server.ProcessId}" &&
                p.Try(() => p.CommandLine) is [.., WorkerArguments.Sandboxed])];

    /// <summary>The only worker of a server.</summary>
    public static async Task<LinuxProcess> WorkerOfAsync(ServerProcess server)
    {
        LinuxProcess[] workers = [];
        await UntilAsync(() => (workers = WorkersOf(server)).Length == 1, () => $"It has {workers.Length} workers.");
        return workers[0];
    }

    /// <summary>Waits for a condition that must come true at some time.</summary>
    public static async Task UntilAsync(Func<bool> done, Func<string> otherwise)
    {
        var watch = Stopwatch.StartNew();
        while (!done())
        {
            watch.Elapsed.ShouldBeLessThan(Patience, otherwise());
            await Task.Delay(20);
        }
    }

    /// <summary>A line of its status, such as <c>NoNewPrivs</c>.</summary>
    public string Status(string name) => After($"{Directory}/status", $"{name}:");

    /// <summary>A line of its limits, such as <c>Max data size</c>: the soft one and the hard one.</summary>
    public string[] Limit(string name) => After($"{Directory}/limits", name).Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2];

    /// <summary>Memory in MB (10^6 bytes): <c>VmRSS</c> is the present, <c>VmHWM</c> the peak.</summary>
    public double Megabytes(string name) => long.Parse(Status(name).Split(' ')[0], CultureInfo.InvariantCulture) * 1024 / 1e6;

    /// <summary>Sends it a signal, such as <c>STOP</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        // The shell has kill built in; a minimal system has no such program.
        using var kill = Process.Start("bash", ["-c", $"kill -{signal} {Id}"]);
        await kill.WaitForExitAsync();
        kill.ExitCode.ShouldBe(0);
    }

    /// <summary>Stops it with SIGSTOP and waits until it has stopped.</summary>
    public async Task StopAsync()
    {
        await SignalAsync("STOP");
        await UntilAsync(() => Stat() is ["T", ..], () => "It does not stop.");
    }

    /// <summary>Kills it and waits until it has ended.</summary>
    public async Task EndAsync()
    {
        await SignalAsync("KILL");
        await UntilGoneAsync();
    }

    public Task UntilGoneAsync() => UntilAsync(() => IsGone, () => "It does not end.");

    /// <summary>Resets its peak memory to the present and returns that in MB.</summary>
    public double ForgetPeak()
    {
        // proc(5): 5 resets VmHWM.
        File.WriteAllText($"{Directory}/clear_refs", "5");
        return Megabytes("VmHWM");
    }

    /// <summary>Whether its standard input holds unread bytes.</summary>
    public bool IsAsked
    {
        get
        {
            using var input = Try(() => File.OpenHandle($"{Directory}/fd/0", FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            // FIONREAD.
            return input is not null && ioctl(input.DangerousGetHandle().ToInt32(), 0x541B, out var bytes) == 0 && bytes > 0;
        }
    }

    public Task UntilAskedAsync() => UntilAsync(() => IsAsked, () => "It gets no image.");

    /// <summary>Writes to its standard output in its place.</summary>
    public void Say(byte[] frame)
    {
        using var output = new FileStream($"{Directory}/fd/1", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        output.Write(frame);
    }

    // State, parent and more; null when there is no such process. Skips the name, which may contain any character.
    string[]? Stat() => Try(() => File.ReadAllText($"{Directory}/stat")) is { } stat
        ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : null;

    static string After(string file, string name) =>
        File.ReadLines(file).Single(l => l.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();

    // A process may end while it is being read.
    T? Try<T>(Func<T> look) where T : class
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    string? Target(FileSystemInfo link) => Try(() => link.LinkTarget!);

    [LibraryImport("libc")]
    private static partial int ioctl(int descriptor, nuint request, out int value);
}
