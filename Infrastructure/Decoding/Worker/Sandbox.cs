using System.Collections;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Restricts a worker, so that an image that takes it over gains nothing: little memory, no privilege by any program, no core file, and, by
/// Landlock where the kernel has it, no file but the code that it runs, nothing to write, no connection.
/// </summary>
/// <remarks>
/// Each thread has its own restrictions, and the runtime has several threads before <c>Main</c>. So a worker restricts itself and then
/// starts its own program again in the same process (<c>execve</c>), restricted from the first instruction on.
/// </remarks>
[SupportedOSPlatform("linux")]
static unsafe partial class Sandbox
{
    // A folder that everybody can list and that is no part of the program.
    const string ForeignFolder = "/etc";

    // The runtime keeps the files of its assemblies open.
    const int OpenFiles = 256;

    /// <summary>Whether Landlock keeps this process from files that its user may read.</summary>
    public static bool HasLandlock
    {
        get
        {
            try
            {
                return !Directory.EnumerateFileSystemEntries(ForeignFolder).Any();
            }
            catch (UnauthorizedAccessException)
            {
                return true;
            }
        }
    }

    /// <summary>Restricts this process and starts its program again with one argument more; returns only by an exception.</summary>
    /// <param name="memory">How much writable memory it may have, in bytes.</param>
    /// <param name="argument">Behind those that it was started with.</param>
    /// <exception cref="InvalidOperationException">The system refuses a restriction.</exception>
    public static void Enter(long memory, string argument)
    {
        // The address space is no limit: the runtime reserves far more of it than it uses.
        Limit(RlimitData, (ulong)memory);
        Limit(RlimitCore, 0);
        Limit(RlimitNoFile, OpenFiles);
        if (prctl(SetNoNewPrivileges, 1, 0, 0, 0) != 0)
            throw Refused("no_new_privs");
        RestrictFiles();
        // Closes what the service's own parent may have left open, but for the three pipes.
        _ = syscall(CloseRange, (void*)3, int.MaxValue, CloseOnExec);

        // As it was started: by its own executable, or by the runtime's host with the name of the assembly.
        var arguments = File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0');
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(v => $"{v.Key}={v.Value}");
        _ = execve(Environment.ProcessPath!, Strings([.. arguments, argument]), Strings([.. variables]));
        throw Refused("execve");
    }

    /// <summary>
    /// Has the system end this process after <paramref name="seconds"/> of processor time or of real time, when no service is left to do
    /// so.
    /// </summary>
    public static void SetDeadline(int seconds)
    {
        // Only the soft limit is set: the next image has its own time.
        Limit(RlimitCpu, (ulong)Environment.CpuUsage.TotalTime.TotalSeconds + (ulong)seconds, isHard: false);
        _ = alarm((uint)seconds);
    }

    /// <summary>A worker may wait for the next image as long as it takes.</summary>
    public static void ClearDeadline() => _ = alarm(0);

    // The runtime, wherever it is installed; null when the program brings its own.
    static string? Runtime => Path.GetDirectoryName(typeof(object).Assembly.Location) is { Length: > 0 } framework
        && Path.GetFullPath(Path.Combine(framework, "../../..")) is var root && Directory.Exists(Path.Combine(root, "host", "fxr"))
            ? root : null;

    // The assemblies and libraries of this program one by one: its folder may contain settings, and folders in it images and the database.
    static IEnumerable<string> Readable() =>
    [
        "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system", "/sys/fs/cgroup",
        "/proc/self", "/dev/null", "/dev/zero", "/dev/urandom",
        Environment.ProcessPath!, Runtime ?? Environment.ProcessPath!,
        .. (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries),
        // What the packages bring for this system, and ImageMagick's policy.
        Path.Combine(AppContext.BaseDirectory, "runtimes"), Path.Combine(AppContext.BaseDirectory, "magick"),
        .. Directory.EnumerateFiles(AppContext.BaseDirectory, "*", new EnumerationOptions { RecurseSubdirectories = false })
            .Where(f => f.EndsWith(".dll", StringComparison.Ordinal) || f.EndsWith(".so", StringComparison.Ordinal)
                || Path.GetFileName(f) == "libvips.so.42"
                || f.EndsWith(".deps.json", StringComparison.Ordinal) || f.EndsWith(".runtimeconfig.json", StringComparison.Ordinal)),
    ];

    // https://docs.kernel.org/userspace-api/landlock.html
    static void RestrictFiles()
    {
        var version = (int)syscall(LandlockCreateRuleset, null, 0, 1);
        if (version < 1)
            return;
        // What a kernel knows it can forbid: all rights on files, then connections, then signals and sockets of others.
        var rules = new LandlockRules
        {
            Files = version switch { 1 => (1 << 13) - 1, 2 => (1 << 14) - 1, < 5 => (1 << 15) - 1, _ => (1 << 16) - 1 },
            Connections = 3,
            Scopes = 3,
        };
        var size = version switch { < 4 => 8, < 6 => 16, _ => 24 };
        var ruleset = (int)syscall(LandlockCreateRuleset, &rules, (nuint)size, 0);
        if (ruleset < 0)
            throw Refused("landlock_create_ruleset");
        foreach (var path in Readable())
            Allow(ruleset, path);
        if (syscall(LandlockRestrictSelf, (void*)ruleset, 0, 0) != 0)
            throw Refused("landlock_restrict_self");
    }

    static void Allow(int ruleset, string path)
    {
        // O_PATH | O_CLOEXEC; the same on x64 and arm64.
        var file = open(path, 0x280000);
        if (file < 0)
            return;
        // Execute, read a file; and for a directory, list it.
        var rule = new LandlockPath { Rights = (1 << 0) | (1 << 2) | (Directory.Exists(path) ? 1 << 3 : 0), File = file };
        if (syscall(LandlockAddRule, (void*)ruleset, 1, (nint)(&rule), 0) != 0)
            throw Refused("landlock_add_rule");
    }

    static void Limit(int resource, ulong value, bool isHard = true)
    {
        ResourceLimit limit;
        if (getrlimit(resource, &limit) != 0)
            throw Refused("getrlimit");
        // The service itself may have less.
        limit.Soft = Math.Min(value, limit.Hard);
        if (isHard)
            limit.Hard = limit.Soft;
        if (setrlimit(resource, &limit) != 0)
            throw Refused("setrlimit");
    }

    // Nothing is freed: the process becomes another one at the next moment.
    static byte** Strings(string[] texts)
    {
        var array = (byte**)NativeMemory.AllocZeroed((nuint)texts.Length + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Length; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(texts[i] + '\0');
            array[i] = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(array[i], bytes.Length));
        }
        return array;
    }

    static InvalidOperationException Refused(string call) =>
        new($"The system refuses {call} to the process that decodes images (error {Marshal.GetLastPInvokeError()}).");

    // Linux numbers; the system calls are the same on x64 and arm64.
    const int RlimitCpu = 0, RlimitData = 2, RlimitCore = 4, RlimitNoFile = 7, SetNoNewPrivileges = 38;
    const int CloseRange = 436, CloseOnExec = 4, LandlockCreateRuleset = 444, LandlockAddRule = 445, LandlockRestrictSelf = 446;

    [StructLayout(LayoutKind.Sequential)]
    struct LandlockRules
    {
        public long Files;
        public long Connections;
        public long Scopes;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    struct LandlockPath
    {
        public long Rights;
        public int File;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, void* first, nuint second, nint third, nint fourth = 0);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ResourceLimit* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ResourceLimit* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc")]
    private static partial uint alarm(uint seconds);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execve(string program, byte** arguments, byte** variables);
}
