using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Limits the memory that all arriving and waiting uploads share (Images:UploadMemory, in bytes).
/// </summary>
sealed class UploadMemory(IOptions<DecodingOptions> options)
{
    long used;

    /// <exception cref="BusyException">The uploads use all of the memory.</exception>
    public void Reserve(int bytes)
    {
        if (Interlocked.Add(ref used, bytes) <= options.Value.UploadMemory)
            return;
        Release(bytes);
        throw new BusyException("Too many images are being uploaded.");
    }

    public void Release(long bytes) => Interlocked.Add(ref used, -bytes);
}

/// <summary>Buffers an arriving image in pieces of memory, never in a file.</summary>
sealed class UploadBuffer(UploadMemory memory) : IDisposable
{
    readonly List<UploadPiece> pieces = [];

    /// <summary>The length in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes that have arrived, in order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Segments =>
        pieces.Select((piece, i) => (ReadOnlyMemory<byte>)piece.Memory[..Math.Min(UploadPiece.Size, Length - (i * UploadPiece.Size))]);

    /// <summary>The first bytes, enough to recognize the format.</summary>
    public ReadOnlySpan<byte> Head => Length == 0 ? [] : Segments.First().Span;

    /// <summary>Reads the next bytes; false at the end.</summary>
    /// <exception cref="BusyException">The uploads use all of the memory.</exception>
    public async Task<bool> ReadAsync(Stream body, CancellationToken ct)
    {
        var at = Length % UploadPiece.Size;
        if (at == 0 && Length == pieces.Count * UploadPiece.Size)
        {
            memory.Reserve(UploadPiece.Size);
            try
            {
                pieces.Add(new());
            }
            catch
            {
                memory.Release(UploadPiece.Size);
                throw;
            }
        }
        var read = await body.ReadAsync(pieces[^1].Memory[at..], ct);
        Length += read;
        return read > 0;
    }

    public void Dispose()
    {
        memory.Release((long)pieces.Count * UploadPiece.Size);
        pieces.ForEach(piece => ((IDisposable)piece).Dispose());
        pieces.Clear();
        Length = 0;
    }
}
