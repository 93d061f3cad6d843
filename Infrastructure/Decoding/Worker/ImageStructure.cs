namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Looks at what the decoders do not, before they see the picture, and mends in place what browsers pass over: the strictest decoding then tells whether all pixels are there.
/// All walks are bounded by the picture's length.
/// </summary>
static class ImageStructure
{
    /// <summary>The bytes that mending may need behind the picture.</summary>
    public const int Room = 16;

    /// <summary>The bytes to decode: the picture without what is not decoded, and with an end where that is all that it lacks.</summary>
    /// <param name="format">Of the picture.</param>
    /// <param name="buffer">The picture and <see cref="Room"/>; overwritten.</param>
    /// <exception cref="InvalidImageException">
    /// A JPEG with more scans or segments than photos have, or a picture that is cut off in the middle of a part or of the first frame.
    /// </exception>
    public static Span<byte> Admit(ImageFormat format, Span<byte> buffer)
    {
        var length = buffer.Length - Room;
        return format switch
        {
            ImageFormat.Jpeg => JpegStructure.Mend(buffer, length),
            ImageFormat.Png => PngStructure.Mend(buffer, length),
            ImageFormat.Gif => GifStructure.Mend(buffer, length),
            ImageFormat.WebP => WebPStructure.Mend(buffer, length),
            _ => buffer[..length],
        };
    }
}
