using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Profiles.Infrastructure.Decoding.Worker;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>
/// Runs in a worker before its own program when <c>DOTNET_STARTUP_HOOKS</c> names this assembly (the runtime finds this type by its
/// name). Tries what a compromised worker would try, and writes the outcomes to standard error.
/// </summary>
static partial class StartupHook
{
    /// <summary>The variable with one try per line: an action and its argument.</summary>
    public const string Variable = "PROFILES_TEST_TRIES";

    public static void Initialize()
    {
        // The worker starts itself a second time in its sandbox; only that process tries.
        if (Environment.GetCommandLineArgs()[^1] != WorkerArguments.Sandboxed)
            return;
        using var said = new FileStream(new SafeFileHandle(2, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        foreach (var (what, which) in Environment.GetEnvironmentVariable(Variable)!.Split('\n').Select(l => l.Split(' ', 2))
            .Select(l => (l[0], l[1])))
            said.Write(Encoding.UTF8.GetBytes($"{what} {which}: {(Succeeds(() => Do(what, which)) ? "done" : "refused")}\n"));
    }

    static void Do(string what, string which)
    {
        switch (what)
        {
            case "read":
                File.ReadAllBytes(which);
                break;
            case "list":
                Directory.GetFileSystemEntries(which);
                break;
            case "write":
                File.WriteAllText(which, "x");
                break;
            case "tcp":
                new Socket(SocketType.Stream, ProtocolType.Tcp).Connect("127.0.0.1", int.Parse(which));
                break;
            case "listen":
                new Socket(SocketType.Stream, ProtocolType.Tcp)
                    .Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, int.Parse(which)));
                break;
            case "filter":
                // The worker itself does this a moment later.
                Seccomp.Deny();
                break;
            case "call":
                nint[] numbers = [.. which.Split(' ')[1..]
                    .Select(n => n == "self" ? Environment.ProcessId : nint.Parse(n, CultureInfo.InvariantCulture)), 0, 0, 0];
                if (Call(numbers[0], numbers[1], numbers[2], numbers[3], 0) < 0 && Marshal.GetLastPInvokeError() == NotPermitted)
                    throw new UnauthorizedAccessException();
                break;
            case "inherit":
                if (Directory.GetFiles("/proc/self/fd").All(d => new FileInfo(d).LinkTarget != which))
                    throw new FileNotFoundException();
                break;
        }
    }

    const int NotPermitted = 1;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth);

    static bool Succeeds(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return false;
        }
    }
}
