using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// What all uploads together may take of the service's memory while they arrive and wait (Images:UploadMemory, in bytes).
/// </summary>
sealed class UploadMemory(IOptions<DecodingOptions> options)
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

/// <summary>An image as it arrives, in pieces: nothing is written to a file, and what it takes is counted.</summary>
sealed class UploadBuffer(UploadMemory memory) : IDisposable
{
    readonly List<UploadPiece> pieces = [];

    /// <summary>In bytes.</summary>
    public int Length { get; private set; }

    /// <summary>All that has arrived, in order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Segments =>
        pieces.Select((piece, i) => (ReadOnlyMemory<byte>)piece.Memory[..Math.Min(UploadPiece.Size, Length - (i * UploadPiece.Size))]);

    /// <summary>The first bytes, enough to tell the format.</summary>
    public ReadOnlySpan<byte> Head => Length == 0 ? [] : Segments.First().Span;

    /// <summary>Reads what comes next; false at the end.</summary>
    /// <exception cref="BusyException">There is no room for more now.</exception>
    public async Task<bool> ReadAsync(Stream body, CancellationToken ct)
    {
        var at = Length % UploadPiece.Size;
        if (at == 0 && Length == pieces.Count * UploadPiece.Size)
        {
            memory.Take(UploadPiece.Size);
            try
            {
                pieces.Add(new());
            }
            catch
            {
                memory.Give(UploadPiece.Size);
                throw;
            }
        }
        var read = await body.ReadAsync(pieces[^1].Memory[at..], ct);
        Length += read;
        return read > 0;
    }

    public void Dispose()
    {
        memory.Give((long)pieces.Count * UploadPiece.Size);
        pieces.ForEach(piece => ((IDisposable)piece).Dispose());
        pieces.Clear();
        Length = 0;
    }
}
