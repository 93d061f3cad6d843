namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// The blocks of a GIF: a screen (13 bytes and perhaps colours), then extensions and frames, which both end in sub-blocks that say their
/// own length, then the trailer.
/// </summary>
static class GifStructure
{
    const int Screen = 13, LongestCode = 12, MostCodes = 1 << LongestCode;

    const byte Extension = (byte)'!', Frame = (byte)',', Trailer = (byte)';';

    /// <summary>
    /// The image to its trailer, or with one in place of what stands behind its last frame: encoders leave it out or pad it.
    /// </summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        ReadOnlySpan<byte> gif = buffer[..length];
        var (at, frame) = (FirstBlock(gif), 0);
        while (IsBlock(gif, at))
        {
            var block = at;
            frame = gif[block] == Frame ? block : frame;
            at = BehindBlock(gif, block);
            // Behind the pixels a comment that is cut off is left out.
            if (at > length && frame > 0 && gif[block] == Extension)
            {
                at = block;
                break;
            }
        }
        // Of the last frame just the end of its sub-blocks may be missing. Cut off elsewhere, it lacks pixels.
        buffer[length] = 0;
        if (frame == 0 || at > length + 1 || (at > length && !HasPixels(buffer[..at], frame)))
            throw RefusedException.Invalid();
        buffer[at] = Trailer;
        return buffer[..(at + 1)];
    }

    /// <summary>
    /// Whether a repaired image's first frame has all its pixels: counts those that the codes stand for (LZW; GIF89a, appendix F).
    /// </summary>
    public static bool HasFirstFrame(ReadOnlySpan<byte> gif)
    {
        var at = FirstBlock(gif);
        while (IsBlock(gif, at) && gif[at] != Frame)
            at = BehindBlock(gif, at);
        return IsBlock(gif, at) && HasPixels(gif, at);
    }

    static int FirstBlock(ReadOnlySpan<byte> gif) => Screen + (gif.Length > 10 ? Colours(gif[10]) : 0);

    static bool IsBlock(ReadOnlySpan<byte> gif, int at) => at < gif.Length && gif[at] is Extension or Frame;

    // Of a frame the size of its codes, of an extension its label; the sub-blocks follow.
    static int Introduction(ReadOnlySpan<byte> gif, int at) =>
        gif[at] == Extension ? at + 1 : at + 10 + (at + 9 < gif.Length ? Colours(gif[at + 9]) : 0);

    // More than the length where the block has no end.
    static int BehindBlock(ReadOnlySpan<byte> gif, int at)
    {
        at = Introduction(gif, at) + 1;
        while (at < gif.Length && gif[at] != 0)
            at += 1 + gif[at];
        return at + 1;
    }

    static int Colours(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 0x07) + 1);

    static bool HasPixels(ReadOnlySpan<byte> gif, int frame)
    {
        var data = Introduction(gif, frame);
        if (data >= gif.Length || gif[data] is < 1 or >= LongestCode)
            return false;
        var pixels = (long)(gif[frame + 5] | (gif[frame + 6] << 8)) * (gif[frame + 7] | (gif[frame + 8] << 8));
        var clear = 1 << gif[data];
        Span<ushort> lengths = stackalloc ushort[MostCodes];
        lengths[..clear].Fill(1);
        var (bits, waiting, width, next, before) = (0u, 0, gif[data] + 1, clear + 2, 0);
        for (var block = data + 1; block < gif.Length && gif[block] != 0; block += 1 + gif[block])
        {
            for (var at = block + 1; at <= block + gif[block] && at < gif.Length; at++)
            {
                bits |= (uint)gif[at] << waiting;
                waiting += 8;
                while (waiting >= width)
                {
                    var code = (int)(bits & ((1u << width) - 1));
                    bits >>= width;
                    waiting -= width;
                    if (code == clear)
                    {
                        (width, next, before) = (gif[data] + 1, clear + 2, 0);
                        continue;
                    }
                    if (code == clear + 1 || code > next || (code == next && (before == 0 || next == MostCodes)))
                        return pixels <= 0;
                    // One more than the code before: the string of that and a colour.
                    if (before > 0 && next < MostCodes)
                        lengths[next++] = (ushort)Math.Min(before + 1, ushort.MaxValue);
                    before = lengths[code];
                    if ((pixels -= before) <= 0)
                        return true;
                    if (next == 1 << width && width < LongestCode)
                        width++;
                }
            }
        }
        return pixels <= 0;
    }
}
