using System.Collections;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Restricts a worker, so that an image that takes it over gains nothing: limited memory, no new privileges, no core dump and, with
/// Landlock where the kernel has it, no files but its own code, no writing and no connections.
/// </summary>
/// <remarks>
/// Restrictions apply to one thread, and the runtime starts several before <c>Main</c>. So a worker restricts itself and then starts its
/// own program again in the same process (<c>execve</c>), restricted from the first instruction on.
/// </remarks>
[SupportedOSPlatform("linux")]
static unsafe partial class Sandbox
{
    // A folder that everybody can list and the program does not need.
    const string ForeignFolder = "/etc";

    // The runtime keeps its assemblies' files open.
    const int MaxOpenFiles = 256;

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

    /// <summary>Restricts this process and starts its program again with one more argument; never returns.</summary>
    /// <param name="memory">The writable memory in bytes.</param>
    /// <param name="argument">The argument to append.</param>
    /// <exception cref="InvalidOperationException">The system refuses a restriction.</exception>
    public static void Enter(long memory, string argument)
    {
        // Limits data instead of address space, of which the runtime reserves far more than it uses.
        Limit(RlimitData, (ulong)memory);
        Limit(RlimitCore, 0);
        Limit(RlimitNoFile, MaxOpenFiles);
        if (prctl(SetNoNewPrivileges, 1, 0, 0, 0) != 0)
            throw Refused("no_new_privs");
        RestrictFiles();
        // Closes everything but the three pipes that the service's parent may have left open.
        _ = syscall(CloseRange, (void*)3, int.MaxValue, CloseOnExec);

        // Starts the same way as before: by its own executable, or by the dotnet host with the assembly's name.
        var arguments = File.ReadAllText("/proc/self/cmdline").TrimEnd('\0').Split('\0');
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(v => $"{v.Key}={v.Value}");
        _ = execve(Environment.ProcessPath!, Strings([.. arguments, argument]), Strings([.. variables]));
        throw Refused("execve");
    }

    /// <summary>
    /// Lets the system end this process after <paramref name="seconds"/> of processor time or wall-clock time, in case the service is gone.
    /// </summary>
    public static void SetDeadline(int seconds)
    {
        // Sets only the soft limit, which the next image raises again.
        Limit(RlimitCpu, (ulong)Environment.CpuUsage.TotalTime.TotalSeconds + (ulong)seconds, isHard: false);
        _ = alarm((uint)seconds);
    }

    /// <summary>Ends the wall-clock limit while the worker waits for the next image.</summary>
    public static void ClearDeadline() => _ = alarm(0);

    // The folder of an installed runtime; null when the program is self-contained.
    static string? Runtime => Path.GetDirectoryName(typeof(object).Assembly.Location) is { Length: > 0 } framework
        && Path.GetFullPath(Path.Combine(framework, "../../..")) is var root && Directory.Exists(Path.Combine(root, "host", "fxr"))
            ? root : null;

    // Lists this program's files one by one: its folder may contain settings, and its subfolders images and the database.
    static IEnumerable<string> Readable() =>
    [
        "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system", "/sys/fs/cgroup",
        "/proc/self", "/dev/null", "/dev/zero", "/dev/urandom",
        Environment.ProcessPath!, Runtime ?? Environment.ProcessPath!,
        .. (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries),
        // The packages' native libraries, and ImageMagick's policy.
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
        // Denies what the kernel's version knows: all rights on files, then connections, then signals and abstract sockets of others.
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
        // Execute and read files; list a directory.
        var rule = new LandlockPath { Rights = (1 << 0) | (1 << 2) | (Directory.Exists(path) ? 1 << 3 : 0), File = file };
        if (syscall(LandlockAddRule, (void*)ruleset, 1, (nint)(&rule), 0) != 0)
            throw Refused("landlock_add_rule");
    }

    static void Limit(int resource, ulong value, bool isHard = true)
    {
        ResourceLimit limit;
        if (getrlimit(resource, &limit) != 0)
            throw Refused("getrlimit");
        // The service's own limit may be lower.
        limit.Soft = Math.Min(value, limit.Hard);
        if (isHard)
            limit.Hard = limit.Soft;
        if (setrlimit(resource, &limit) != 0)
            throw Refused("setrlimit");
    }

    // Frees nothing: execve replaces the process right after.
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

    // The numbers of these system calls are the same on x64 and arm64.
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
