using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// A piece of an image that arrives: native memory, which goes back at once, except for what one photo takes. The runtime collects arrays
/// for 250 MB of uploads when it finds time, and the process then has three times as much.
/// </summary>
sealed unsafe partial class UploadPiece : MemoryManager<byte>
{
    public const int Size = 64 * 1024;

    // mmap(2), the same on every Linux.
    const int ReadAndWrite = 3, PrivateAnonymous = 0x22;

    // Those of a photo. The system clears each page that it hands out, which costs more than to copy it.
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

    // It does not move.
    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)address + elementIndex, pinnable: this);

    public override void Unpin()
    {
        // It was not pinned.
    }

    protected override void Dispose(bool disposing)
    {
        var held = Interlocked.Exchange(ref address, 0);
        if (held != 0)
            GiveBack(held);
    }

    static void GiveBack(nint piece)
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
