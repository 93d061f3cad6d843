using System.Buffers.Binary;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding;

/// <summary>Tells an image's format by its own first bytes; what has no format on the list is refused before libvips sees it.</summary>
static class ImageFormats
{
    // The shortest header that names a format; libvips 8.14 crashed on an empty buffer.
    const int ShortestHeader = 12;

    // An ftyp box lists a handful of brands; a longer list is nobody's photo.
    const uint LongestBrandList = 256;

    /// <summary>
    /// The format by magic bytes, or null when it is not on the list. The file's name and declared type are not
    /// asked, nor are libvips' own sniffers: the one for SVG hung for ever on a truncated SVGZ in 8.14.
    /// </summary>
    public static ImageFormat? Sniff(ReadOnlySpan<byte> image)
    {
        if (image.Length < ShortestHeader) return null;
        if (image.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return ImageFormat.Jpeg;
        if (image.StartsWith((ReadOnlySpan<byte>)[0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n'])) return ImageFormat.Png;
        if (image.StartsWith("GIF87a"u8) || image.StartsWith("GIF89a"u8)) return ImageFormat.Gif;
        if (image.StartsWith("RIFF"u8) && image[8..].StartsWith("WEBP"u8)) return ImageFormat.WebP;
        return image[4..].StartsWith("ftyp"u8) ? SniffBrands(image) : null;
    }

    /// <summary>What is accepted, for an app that asks before it sends.</summary>
    public static IReadOnlyList<string> MediaTypes { get; } =
        ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", "image/heif"];

    // HEIF (ISO/IEC 23008-12): size, "ftyp", major brand, minor version, compatible brands. The major brand is often
    // only "mif1" (some image), so that the compatible ones have to tell AVIF from HEIC.
    static ImageFormat? SniffBrands(ReadOnlySpan<byte> image)
    {
        var size = BinaryPrimitives.ReadUInt32BigEndian(image);
        if (size < 16 || size > LongestBrandList || size > image.Length) return null;

        ImageFormat? format = null;
        for (var at = 8; at + 4 <= size; at += 4)
        {
            if (at == 12) continue;
            switch (image.Slice(at, 4))
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
