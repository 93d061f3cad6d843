using System.Buffers.Binary;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Looks at what the decoders do not, before they see the picture. All walks here are bounded by its length.
/// </summary>
static class ImageStructure
{
    // A progressive photo has about 10. Every scan goes over all pixels: 5,000 in 900 kB cost more than a minute.
    const int MostScans = 100;

    const int PngSignature = 8;

    /// <summary>
    /// The bytes to decode: the picture itself, but a PNG without its text, of which 600 kB can unpack to 600 MB and
    /// which nothing here reads. It is left out in place.
    /// </summary>
    /// <exception cref="InvalidImageException">
    /// A JPEG with more scans than photos have, or a PNG or GIF that is not there to its end, which their decoders
    /// overlook when the first frame is complete.
    /// </exception>
    public static Span<byte> Admit(ImageFormat format, Span<byte> picture) => format switch
    {
        ImageFormat.Jpeg when CountScans(picture) > MostScans => throw new InvalidImageException(),
        ImageFormat.Gif when !HasTrailer(picture) => throw new InvalidImageException(),
        ImageFormat.Png => WithoutText(picture),
        _ => picture,
    };

    // A PNG is its signature, then chunks: length, type, content, checksum; the last is IEND.
    static Span<byte> WithoutText(Span<byte> png)
    {
        var (at, kept) = (PngSignature, PngSignature);
        while (at + 12 <= png.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png[at..]);
            if (length > png.Length - at - 12) break;

            var chunk = png.Slice(at, 12 + (int)length);
            var type = chunk.Slice(4, 4);
            at += chunk.Length;
            if (type.SequenceEqual("zTXt"u8) || type.SequenceEqual("iTXt"u8) || type.SequenceEqual("tEXt"u8)) continue;

            // What is copied over may be the chunk's own type.
            var last = type.SequenceEqual("IEND"u8);
            if (kept + chunk.Length < at) chunk.CopyTo(png[kept..]);
            kept += chunk.Length;
            if (last) return png[..kept];
        }

        throw new InvalidImageException();
    }

    // Markers (FF and a code) with segments that say their own length. The pixels after a scan's header (DA) do not
    // say it; in them FF stands only before 00, before a restart marker (D0 to D7), or before the next marker. 01 has
    // no segment either; taken for one, it would hide scans from this count that the decoder sees.
    static int CountScans(ReadOnlySpan<byte> jpeg)
    {
        var scans = 0;
        var at = 2;
        while (at + 4 <= jpeg.Length)
        {
            var marker = jpeg[at] == 0xFF ? jpeg[at + 1] : 0;
            if (marker is 0xD9) break;
            if (marker is 0x00 or 0x01 or 0xFF or (>= 0xD0 and <= 0xD7))
            {
                var skip = jpeg[(at + 1)..].IndexOf((byte)0xFF);
                if (skip < 0) break;
                at += 1 + skip;
                continue;
            }

            if (marker is 0xDA) scans++;
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
        }

        return scans;
    }

    // A GIF is a screen (13 bytes and perhaps colours), then extensions and frames, which both end in sub-blocks that
    // say their own length, then the trailer.
    static bool HasTrailer(ReadOnlySpan<byte> gif)
    {
        var at = 13L;
        if (gif.Length > 10) at += Colours(gif[10]);
        while (at < gif.Length)
        {
            switch ((char)gif[(int)at])
            {
                case ';':
                    return true;
                case '!':
                    at += 2;
                    break;
                case ',' when at + 9 < gif.Length:
                    at += 11 + Colours(gif[(int)at + 9]);
                    break;
                default:
                    return false;
            }

            while (at < gif.Length && gif[(int)at] != 0) at += 1 + gif[(int)at];
            at++;
        }

        return false;
    }

    static int Colours(byte flags) => (flags & 0x80) == 0 ? 0 : 3 << ((flags & 0x07) + 1);
}
