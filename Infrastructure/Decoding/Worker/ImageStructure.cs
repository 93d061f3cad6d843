using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Checks what the decoders do not, before they see the image, and repairs in place what browsers ignore: the strictest decoding then tells
/// whether all pixels are there. Every walk is bounded by the image's length.
/// </summary>
static class ImageStructure
{
    /// <summary>The bytes that a repair may need behind the image.</summary>
    public const int Padding = 16;

    /// <summary>The bytes to decode: the image without what is not decoded, and with an end where only that is missing.</summary>
    /// <param name="format">Of the image.</param>
    /// <param name="buffer">The image and <see cref="Padding"/>; overwritten.</param>
    /// <exception cref="RefusedException">
    /// A JPEG has more scans or segments than photos have, or the image is cut off in the middle of a part or of the first frame.
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
