using System.Buffers.Binary;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding;

/// <summary>Detects an image's format from its first bytes, so that other formats are refused before libvips sees them.</summary>
static class ImageFormats
{
    // The shortest header that identifies a format; libvips 8.14 crashed on an empty buffer.
    const int ShortestHeader = 12;

    // An ftyp box of a photo lists a handful of brands.
    const uint LongestBrandList = 256;

    /// <summary>
    /// Returns the format by magic bytes, or null when it is not accepted. Ignores the file's name and declared type, and libvips' own
    /// sniffers: the one for SVG hung for ever on a truncated SVGZ in 8.14.
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

    /// <summary>The media types of the accepted formats, for the upload policy.</summary>
    public static IReadOnlyList<string> MediaTypes { get; } =
        ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/heic", "image/heif"];

    // HEIF (ISO/IEC 23008-12): size, "ftyp", major brand, minor version, compatible brands. The major brand is often only "mif1" (any
    // image), so that the compatible ones have to distinguish AVIF from HEIC.
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
