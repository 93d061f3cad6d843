using System.Runtime.InteropServices;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// What the kernel refuses to a worker from here on, on all its threads: another process, another program, a socket. So nothing of it outlives it, and it reaches nobody.
/// </summary>
static unsafe partial class Seccomp
{
    // https://docs.kernel.org/userspace-api/seccomp_filter.html; the numbers of audit.h, filter.h and seccomp.h.
    const uint X64 = 0xC000003E, Arm64 = 0xC00000B7;
    const uint Allow = 0x7FFF0000, Fail = 0x00050000, Kill = 0x80000000;
    const uint NotPermitted = 1, NotImplemented = 38;
    const uint CloneThread = 0x00010000, OtherConvention = 0x40000000;
    const ushort Load = 0x20, IfEqual = 0x15, IfAtLeast = 0x35, IfAnyBit = 0x45, Return = 0x06;
    const uint Number = 0, Architecture = 4, FirstArgument = 16;

    // execve, execveat, socket, socketpair, ptrace, process_vm_readv, process_vm_writev, io_uring_setup (which opens sockets too), and what has no counterpart on arm64: fork, vfork.
    static readonly uint[] DeniedOnX64 = [59, 322, 41, 53, 101, 310, 311, 425, 57, 58];
    static readonly uint[] DeniedOnArm64 = [221, 281, 198, 199, 117, 270, 271, 425];

    const uint Clone3 = 435;

    /// <summary>Puts the filter on; needs <c>no_new_privs</c>.</summary>
    /// <exception cref="InvalidOperationException">The kernel refuses it.</exception>
    public static void Deny()
    {
        var (architecture, denied, clone) = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? (X64, DeniedOnX64, 56u) : (Arm64, DeniedOnArm64, 220u);
        List<Instruction> filter =
        [
            new(Load, 0, 0, Architecture), new(IfEqual, 1, 0, architecture), new(Return, 0, 0, Kill),
            new(Load, 0, 0, Number),
            // The same calls by the numbers of another convention.
            new(IfAtLeast, 0, 1, OtherConvention), new(Return, 0, 0, Kill),
            // Its flags are behind a pointer, which a filter cannot follow; told that there is none, the C library uses clone.
            new(IfEqual, 0, 1, Clone3), new(Return, 0, 0, Fail | NotImplemented),
        ];
        foreach (var number in denied)
            filter.AddRange([new(IfEqual, 0, 1, number), new(Return, 0, 0, Fail | NotPermitted)]);
        // A thread, and no process.
        filter.AddRange(
        [
            new(IfEqual, 0, 3, clone), new(Load, 0, 0, FirstArgument), new(IfAnyBit, 1, 0, CloneThread), new(Return, 0, 0, Fail | NotPermitted),
            new(Return, 0, 0, Allow),
        ]);
        var instructions = filter.ToArray();
        fixed (Instruction* first = instructions)
        {
            var program = new Program { Length = (ushort)instructions.Length, First = first };
            if (syscall(RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 317 : 277, SetFilter, AllThreads, &program) != 0)
                throw new InvalidOperationException($"The system refuses seccomp to the process that decodes pictures (error {Marshal.GetLastPInvokeError()}).");
        }
    }

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
