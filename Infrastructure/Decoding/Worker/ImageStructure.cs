using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Checks what decoders do not check, and repairs in place what browsers ignore, so that the strictest decoding fails only on missing
/// pixels. Every walk is bounded by the image's length.
/// </summary>
static class ImageStructure
{
    /// <summary>The bytes that a repair may need after the image.</summary>
    public const int Padding = 16;

    /// <summary>Returns the bytes to decode: the image without its undecoded parts, and with an end where only that is missing.</summary>
    /// <param name="format">The image's format.</param>
    /// <param name="buffer">The image and <see cref="Padding"/>; overwritten.</param>
    /// <exception cref="RefusedException">
    /// A JPEG has more scans or segments than photos have, or the image is truncated within a part or the first frame.
    /// </exception>
    public static Span<byte> Repair(ImageFormat format, Span<byte> buffer)
    {
        var length = buffer.Length - Padding;
        return format switch
        {
            ImageFormat.Jpeg => JpegStructure.Repair(buffer, length),
            ImageFormat.Png => PngStructure.Repair(buffer, length),
            ImageFormat.Gif => GifStructure.Repair(buffer, length),
            ImageFormat.WebP => WebPStructure.Repair(buffer, length),
            _ => buffer[..length],
        };
    }
}
