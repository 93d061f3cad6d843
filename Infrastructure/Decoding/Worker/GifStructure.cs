namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// The blocks of a GIF: a screen (13 bytes and an optional colour table), then extensions and frames, which both end in sub-blocks with a
/// length each, then the trailer.
/// </summary>
static class GifStructure
{
    const int Screen = 13, LongestCode = 12, MostCodes = 1 << LongestCode;

    const byte Extension = (byte)'!', Frame = (byte)',', Trailer = (byte)';';

    /// <summary>
    /// Returns the image up to its trailer. Encoders omit or pad the trailer: the result has one directly after the last frame.
    /// </summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        ReadOnlySpan<byte> gif = buffer[..length];
        var (at, frame) = (FirstBlock(gif), 0);
        while (IsBlock(gif, at))
        {
            var block = at;
            frame = gif[block] == Frame ? block : frame;
            at = AfterBlock(gif, block);
            // Drops a truncated extension after the last frame.
            if (at > length && frame > 0 && gif[block] == Extension)
            {
                at = block;
                break;
            }
        }
        // The last frame may lack the end of its sub-blocks; truncated elsewhere, it lacks pixels.
        buffer[length] = 0;
        if (frame == 0 || at > length + 1 || (at > length && !HasPixels(buffer[..at], frame)))
            throw RefusedException.Invalid();
        buffer[at] = Trailer;
        return buffer[..(at + 1)];
    }

    /// <summary>
    /// Returns whether the first frame of a repaired image has all its pixels: counts those of its codes (LZW; GIF89a, appendix F).
    /// </summary>
    public static bool HasFirstFrame(ReadOnlySpan<byte> gif)
    {
        var at = FirstBlock(gif);
        while (IsBlock(gif, at) && gif[at] != Frame)
            at = AfterBlock(gif, at);
        return IsBlock(gif, at) && HasPixels(gif, at);
    }

    static int FirstBlock(ReadOnlySpan<byte> gif) => Screen + (gif.Length > 10 ? ColorTableSize(gif[10]) : 0);

    static bool IsBlock(ReadOnlySpan<byte> gif, int at) => at < gif.Length && gif[at] is Extension or Frame;

    // The byte before the sub-blocks: the code size of a frame, the label of an extension.
    static int BeforeSubBlocks(ReadOnlySpan<byte> gif, int at) =>
        gif[at] == Extension ? at + 1 : at + 10 + (at + 9 < gif.Length ? ColorTableSize(gif[at + 9]) : 0);

    // Returns more than the length when the block has no end.
    static int AfterBlock(ReadOnlySpan<byte> gif, int at)
    {
        at = BeforeSubBlocks(gif, at) + 1;
        while (at < gif.Length && gif[at] != 0)
            at += 1 + gif[at];
        return at + 1;
    }

    static int ColorTableSize(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 0x07) + 1);

    static bool HasPixels(ReadOnlySpan<byte> gif, int frame)
    {
        var data = BeforeSubBlocks(gif, frame);
        if (data >= gif.Length || gif[data] is < 1 or >= LongestCode)
            return false;
        var pixels = (long)(gif[frame + 5] | (gif[frame + 6] << 8)) * (gif[frame + 7] | (gif[frame + 8] << 8));
        var clear = 1 << gif[data];
        Span<ushort> lengths = stackalloc ushort[MostCodes];
        lengths[..clear].Fill(1);
        var (bits, bitCount, width, next, previous) = (0u, 0, gif[data] + 1, clear + 2, 0);
        for (var block = data + 1; block < gif.Length && gif[block] != 0; block += 1 + gif[block])
        {
            for (var at = block + 1; at <= block + gif[block] && at < gif.Length; at++)
            {
                bits |= (uint)gif[at] << bitCount;
                bitCount += 8;
                while (bitCount >= width)
                {
                    var code = (int)(bits & ((1u << width) - 1));
                    bits >>= width;
                    bitCount -= width;
                    if (code == clear)
                    {
                        (width, next, previous) = (gif[data] + 1, clear + 2, 0);
                        continue;
                    }
                    if (code == clear + 1 || code > next || (code == next && (previous == 0 || next == MostCodes)))
                        return pixels <= 0;
                    // A new code stands for the previous code's pixels and one more.
                    if (previous > 0 && next < MostCodes)
                        lengths[next++] = (ushort)Math.Min(previous + 1, ushort.MaxValue);
                    previous = lengths[code];
                    if ((pixels -= previous) <= 0)
                        return true;
                    if (next == 1 << width && width < LongestCode)
                        width++;
                }
            }
        }
        return pixels <= 0;
    }
}
