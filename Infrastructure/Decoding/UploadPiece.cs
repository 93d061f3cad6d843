using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// A piece of an arriving image in native memory, which is freed at once except for a spare photo's worth. The garbage collector would free
/// arrays late: 250 MB of uploads would take three times as much.
/// </summary>
sealed unsafe partial class UploadPiece : MemoryManager<byte>
{
    public const int Size = 64 * 1024;

    // Flags of mmap(2), the same on every Linux.
    const int ReadAndWrite = 3, PrivateAnonymous = 0x22;

    // One photo's pieces. The system clears each new page, which costs more than copying one.
    const int MostSpare = 64;

    static readonly ConcurrentStack<nint> spare = [];
    static int spares;

    nint address;

    public UploadPiece()
    {
        if (spare.TryPop(out address))
        {
            Interlocked.Decrement(ref spares);
            return;
        }
        address = OperatingSystem.IsLinux() ? Map(0, Size, ReadAndWrite, PrivateAnonymous, -1, 0) : (nint)NativeMemory.Alloc(Size);
        if (address == -1)
            throw new BusyException("There is no memory for another image.");
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(address == 0, this);
        return new((void*)address, Size);
    }

    // Native memory does not move.
    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)address + elementIndex, pinnable: this);

    public override void Unpin()
    {
        // Pin has pinned nothing.
    }

    protected override void Dispose(bool disposing)
    {
        var held = Interlocked.Exchange(ref address, 0);
        if (held != 0)
            Free(held);
    }

    static void Free(nint piece)
    {
        if (Interlocked.Increment(ref spares) <= MostSpare)
        {
            spare.Push(piece);
            return;
        }
        Interlocked.Decrement(ref spares);
        if (OperatingSystem.IsLinux())
            _ = Unmap(piece, Size);
        else
            NativeMemory.Free((void*)piece);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
