using System.Buffers.Binary;

namespace Profiles.Infrastructure.Images;

/// <summary>The kinds of picture that are accepted; everything else is refused before libvips sees it.</summary>
enum ImageFormat { Jpeg, Png, WebP, Gif, Heic, Avif }

/// <summary>Tells a picture's format by its own first bytes and names the libvips loader for it.</summary>
static class ImageFormats
{
    // The shortest header that names a format; libvips 8.14 crashes on an empty buffer.
    const int ShortestHeader = 12;

    // An ftyp box lists a handful of brands; a longer list is nobody's photo.
    const uint LongestBrandList = 256;

    /// <summary>
    /// The format by magic bytes, or null when it is not on the list. The file's name and declared type are not
    /// asked, nor are libvips' own sniffers: the one for SVG hangs for ever on a truncated SVGZ in 8.14.
    /// </summary>
    public static ImageFormat? Sniff(ReadOnlySpan<byte> picture)
    {
        if (picture.Length < ShortestHeader) return null;
        if (picture.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return ImageFormat.Jpeg;
        if (picture.StartsWith((ReadOnlySpan<byte>)[0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n'])) return ImageFormat.Png;
        if (picture.StartsWith("GIF87a"u8) || picture.StartsWith("GIF89a"u8)) return ImageFormat.Gif;
        if (picture.StartsWith("RIFF"u8) && picture[8..].StartsWith("WEBP"u8)) return ImageFormat.WebP;
        return picture[4..].StartsWith("ftyp"u8) ? SniffBrands(picture) : null;
    }

    /// <summary>The nickname of the libvips operation that reads this format and no other.</summary>
    public static string Loader(ImageFormat format) => format switch
    {
        ImageFormat.Jpeg => "jpegload_source",
        ImageFormat.Png => "pngload_source",
        ImageFormat.WebP => "webpload_source",
        ImageFormat.Gif => "gifload_source",
        ImageFormat.Heic or ImageFormat.Avif => "heifload_source",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "No loader reads this format."),
    };

    // HEIF (ISO/IEC 23008-12): size, "ftyp", major brand, minor version, compatible brands. The major brand is often
    // only "mif1" (some image), so that the compatible ones have to tell AVIF from HEIC.
    static ImageFormat? SniffBrands(ReadOnlySpan<byte> picture)
    {
        var size = BinaryPrimitives.ReadUInt32BigEndian(picture);
        if (size < 16 || size > LongestBrandList || size > picture.Length) return null;

        ImageFormat? format = null;
        for (var at = 8; at + 4 <= size; at += 4)
        {
            if (at == 12) continue;
            switch (picture.Slice(at, 4))
            {
                case var brand when brand.SequenceEqual("avif"u8) || brand.SequenceEqual("avis"u8):
                    return ImageFormat.Avif;
                case var brand when IsHeifBrand(brand):
                    format = ImageFormat.Heic;
                    break;
            }
        }

        return format;
    }

    static bool IsHeifBrand(ReadOnlySpan<byte> brand) =>
        brand.SequenceEqual("heic"u8) || brand.SequenceEqual("heix"u8) || brand.SequenceEqual("heim"u8)
        || brand.SequenceEqual("heis"u8) || brand.SequenceEqual("hevc"u8) || brand.SequenceEqual("hevx"u8)
        || brand.SequenceEqual("hevm"u8) || brand.SequenceEqual("hevs"u8) || brand.SequenceEqual("mif1"u8)
        || brand.SequenceEqual("msf1"u8);
}

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
    /// which nothing here reads.
    /// </summary>
    /// <exception cref="InvalidImageException">
    /// A JPEG with more scans than photos have, or a PNG or GIF that is not there to its end, which their decoders
    /// overlook when the first frame is complete.
    /// </exception>
    public static ReadOnlyMemory<byte> Admit(ImageFormat format, ReadOnlyMemory<byte> picture) => format switch
    {
        ImageFormat.Jpeg when CountScans(picture.Span) > MostScans => throw new InvalidImageException(),
        ImageFormat.Gif when !HasTrailer(picture.Span) => throw new InvalidImageException(),
        ImageFormat.Png => WithoutText(picture),
        _ => picture,
    };

    // A PNG is its signature, then chunks: length, type, content, checksum; the last is IEND. Copied only when there
    // is something to leave out.
    static ReadOnlyMemory<byte> WithoutText(ReadOnlyMemory<byte> picture)
    {
        var png = picture.Span;
        List<Range> texts = [];
        var at = PngSignature;
        while (at + 12 <= png.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png[at..]);
            if (length > png.Length - at - 12) break;

            var type = png.Slice(at + 4, 4);
            var next = at + 12 + (int)length;
            if (type.SequenceEqual("IEND"u8)) return texts is [] ? picture : Cut(png, texts);
            if (type.SequenceEqual("zTXt"u8) || type.SequenceEqual("iTXt"u8) || type.SequenceEqual("tEXt"u8))
                texts.Add(at..next);
            at = next;
        }

        throw new InvalidImageException();
    }

    static byte[] Cut(ReadOnlySpan<byte> bytes, List<Range> parts)
    {
        using var kept = new MemoryStream(bytes.Length);
        var at = 0;
        foreach (var part in parts)
        {
            kept.Write(bytes[at..part.Start.Value]);
            at = part.End.Value;
        }

        kept.Write(bytes[at..]);
        return kept.ToArray();
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
