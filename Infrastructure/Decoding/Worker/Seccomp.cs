using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Denies system calls to all threads of a worker: new processes and programs, sockets, signals to others, and everything else that reaches
/// another process or the kernel's programs, keys and mounts. So even without Landlock, nothing of a worker outlives it or reaches out.
/// </summary>
[SupportedOSPlatform("linux")]
static unsafe partial class Seccomp
{
    // https://docs.kernel.org/userspace-api/seccomp_filter.html; the numbers of audit.h, filter.h and seccomp.h.
    const uint X64 = 0xC000003E, Arm64 = 0xC00000B7;
    const uint Allow = 0x7FFF0000, Fail = 0x00050000, Kill = 0x80000000;
    const uint NotPermitted = 1, NotImplemented = 38;
    const uint CloneThread = 0x00010000, X32Bit = 0x40000000;
    const ushort Load = 0x20, IfEqual = 0x15, IfAtLeast = 0x35, IfAnyBit = 0x45, Return = 0x06;
    const uint Number = 0, Architecture = 4, FirstArgument = 16, SecondArgument = 24;
    const uint Denied = Fail | NotPermitted;

    // execve, execveat, socket, socketpair, ptrace, process_vm_readv, process_vm_writev, tkill (which takes a thread without a process),
    // unshare, setns, bpf, perf_event_open, add_key, request_key, keyctl, userfaultfd, kcmp, open_by_handle_at, mount, umount2, pivot_root,
    // chroot; and, without a counterpart on arm64, fork and vfork.
    static readonly uint[] DeniedOnX64 =
        [59, 322, 41, 53, 101, 310, 311, 200, 272, 308, 321, 298, 248, 249, 250, 323, 312, 304, 165, 166, 155, 161, 57, 58];
    static readonly uint[] DeniedOnArm64 =
        [221, 281, 198, 199, 117, 270, 271, 130, 97, 268, 280, 241, 217, 218, 219, 282, 272, 265, 40, 39, 41, 51];

    // io_uring_setup (which opens sockets too), pidfd_send_signal, pidfd_open, pidfd_getfd, process_madvise, process_mrelease,
    // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr: the same numbers everywhere.
    static readonly uint[] DeniedEverywhere = [425, 424, 434, 438, 440, 448, 428, 429, 430, 431, 432, 433, 442];

    // kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo: the first argument is the target, and a process may signal itself.
    static readonly uint[] SignalsOnX64 = [62, 234, 129, 297], SignalsOnArm64 = [129, 131, 138, 240];

    // F_SETOWN, F_SETSIG, F_SETOWN_EX: they make a pipe signal any process.
    static readonly uint[] SignalCommands = [8, 10, 15];

    const uint Clone3 = 435;

    /// <summary>Installs the filter; needs <c>no_new_privs</c>.</summary>
    /// <exception cref="InvalidOperationException">The kernel refuses it.</exception>
    public static void Deny()
    {
        var isX64 = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64;
        var self = (uint)Environment.ProcessId;
        List<Instruction> filter =
        [
            new(Load, 0, 0, Architecture), new(IfEqual, 1, 0, isX64 ? X64 : Arm64), new(Return, 0, 0, Kill),
            new(Load, 0, 0, Number),
            // The same calls under x32 numbers.
            new(IfAtLeast, 0, 1, X32Bit), new(Return, 0, 0, Kill),
            // A filter cannot follow the pointer to clone3's flags; when clone3 is not implemented, the C library uses clone.
            new(IfEqual, 0, 1, Clone3), new(Return, 0, 0, Fail | NotImplemented),
        ];
        foreach (var number in (isX64 ? DeniedOnX64 : DeniedOnArm64).Concat(DeniedEverywhere))
            filter.AddRange([new(IfEqual, 0, 1, number), new(Return, 0, 0, Denied)]);
        foreach (var number in isX64 ? SignalsOnX64 : SignalsOnArm64)
            filter.AddRange(ByArgument(number, FirstArgument, IfEqual, [self], Allow, Denied));
        // prlimit64: a limit can end another process as a signal does; 0 is the caller.
        filter.AddRange(ByArgument(isX64 ? 302u : 261u, FirstArgument, IfEqual, [0, self], Allow, Denied));
        // fcntl.
        filter.AddRange(ByArgument(isX64 ? 72u : 25u, SecondArgument, IfEqual, SignalCommands, Denied, Allow));
        // clone may create threads but no processes.
        filter.AddRange(ByArgument(isX64 ? 56u : 220u, FirstArgument, IfAnyBit, [CloneThread], Allow, Denied));
        filter.Add(new(Return, 0, 0, Allow));
        var instructions = filter.ToArray();
        fixed (Instruction* first = instructions)
        {
            var program = new Program { Length = (ushort)instructions.Length, First = first };
            if (syscall(isX64 ? 317 : 277, SetFilter, AllThreads, &program) != 0)
                throw new InvalidOperationException(
                    $"The system refuses seccomp to the process that decodes images (error {Marshal.GetLastPInvokeError()}).");
        }
    }

    // Decides a call by the low 32 bits of an argument, all that the kernel reads of it. The last two instructions are the outcomes.
    static IEnumerable<Instruction> ByArgument(uint number, uint argument, ushort test, uint[] values, uint then, uint otherwise) =>
    [
        new(IfEqual, 0, (byte)(values.Length + 3), number), new(Load, 0, 0, argument),
        .. values.Select((value, i) => new Instruction(test, (byte)(values.Length - i), 0, value)),
        new(Return, 0, 0, otherwise), new(Return, 0, 0, then),
    ];

    const uint SetFilter = 1, AllThreads = 1;

    [StructLayout(LayoutKind.Sequential)]
    readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    struct Program
    {
        public ushort Length;
        public Instruction* First;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nuint operation, nuint flags, Program* program);
}
