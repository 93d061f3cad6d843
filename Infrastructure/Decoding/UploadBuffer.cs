using System.Buffers;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Decoding;

/// <summary>What all uploads together may take of the service's memory while they arrive and wait (Images:UploadMemory, in bytes).</summary>
sealed class UploadMemory(IOptions<ImagesOptions> options)
{
    long used;

    /// <exception cref="BusyException">There is no room for more now.</exception>
    public void Take(int bytes)
    {
        if (Interlocked.Add(ref used, bytes) <= options.Value.UploadMemory)
            return;
        Give(bytes);
        throw new BusyException("Too many pictures are being sent.");
    }

    public void Give(long bytes) => Interlocked.Add(ref used, -bytes);
}

/// <summary>A picture as it arrives, in pieces: nothing is written to a file, and what it takes is counted.</summary>
sealed class UploadBuffer(UploadMemory memory) : IDisposable
{
    const int PieceSize = 64 * 1024;

    readonly List<byte[]> pieces = [];

    /// <summary>In bytes.</summary>
    public int Length { get; private set; }

    /// <summary>All that has arrived, in order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Segments =>
        pieces.Select((piece, i) => new ReadOnlyMemory<byte>(piece, 0, Math.Min(PieceSize, Length - (i * PieceSize))));

    /// <summary>The first bytes, enough to tell the format.</summary>
    public ReadOnlySpan<byte> Head => Length == 0 ? [] : Segments.First().Span;

    /// <summary>Reads what comes next; false at the end.</summary>
    /// <exception cref="BusyException">There is no room for more now.</exception>
    public async Task<bool> ReadAsync(Stream body, CancellationToken ct)
    {
        var at = Length % PieceSize;
        if (at == 0 && Length == pieces.Count * PieceSize)
        {
            memory.Take(PieceSize);
            pieces.Add(ArrayPool<byte>.Shared.Rent(PieceSize));
        }
        var read = await body.ReadAsync(pieces[^1].AsMemory(at, PieceSize - at), ct);
        Length += read;
        return read > 0;
    }

    public void Dispose()
    {
        memory.Give((long)pieces.Count * PieceSize);
        pieces.ForEach(piece => ArrayPool<byte>.Shared.Return(piece));
        pieces.Clear();
        Length = 0;
    }
}
