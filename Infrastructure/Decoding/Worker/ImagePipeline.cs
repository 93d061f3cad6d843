using System.Runtime.CompilerServices;
using ImageMagick;
using NetVips;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Converts an accepted image to the stored ones: the first frame, upright, in sRGB, on white, scaled down to the limit, re-encoded without
/// metadata.
/// </summary>
static class ImagePipeline
{
    // A JPEG's limit. A PNG can have more: one of 1 x 10,000,000 in 20 kB takes 20 seconds.
    const int LongestSide = 65535;

    const int Sliver = 16;

    // The loader walks all frames before it decodes the first.
    const int MostGifFrames = 4096;

    // The size from which the dominant colour and the ThumbHash are computed.
    const int SmallSide = 32;

    /// <summary>Processes one image.</summary>
    /// <param name="upload">The image and <see cref="ImageStructure.Padding"/>; overwritten.</param>
    /// <param name="request">Its format and limits.</param>
    /// <exception cref="RefusedException">The image is damaged, has too many pixels or needs too much memory.</exception>
    public static ProcessedImage Process(Span<byte> upload, DecodeRequest request)
    {
        var bytes = ImageStructure.Repair(request.Format, upload);
        // Discards the warnings of the previous image.
        _ = TakeWarnings();
        try
        {
            using var decoded = request.Format is ImageFormat.Heic ? DecodeHeic(bytes, request) : Decode(bytes, request);
            return Encode(decoded);
        }
        catch (VipsException refused)
        {
            // Drops the first line, which NetVips adds.
            throw RefusedException.ByDecoder(refused.Message.Split('\n', 2)[^1].Trim());
        }
    }

    static Image Decode(ReadOnlySpan<byte> bytes, DecodeRequest request)
    {
        using var source = Source.NewFromMemory(bytes);
        using var header = Open(source, request.Format);
        var frames = header.Contains("n-pages") ? (int)header.Get("n-pages") : 1;
        Check(header.Width, header.Height, frames, request);
        // The decoder accepts a partial frame.
        if (request.Format is ImageFormat.Gif && (frames > MostGifFrames || !GifStructure.HasFirstFrame(bytes)))
            throw RefusedException.Invalid();
        if (request.Format is not ImageFormat.Jpeg)
            return Finish(header, request.MaxSide);
        using var shrunk = Image.JpegloadSource(
            source, ShrinkFactor(header, request.MaxSide), access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning);
        var decoded = Finish(shrunk, request.MaxSide);
        // The loader misses its decoder's warnings that the last rows are missing.
        if (TakeWarnings() is not { Length: > 0 } warning)
            return decoded;
        decoded.Dispose();
        throw RefusedException.ByDecoder(warning);
    }

    // Returns and clears the warnings of decoders: VipsException takes them from libvips, which keeps them for the whole process.
    static string TakeWarnings() => new VipsException("").Message.Trim();

    // Not inlined: only a HEIC loads ImageMagick.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static Image DecodeHeic(ReadOnlySpan<byte> bytes, DecodeRequest request)
    {
        try
        {
            using var reader = new HeicReader(bytes);
            var (width, height) = reader.Size();
            Check(width, height, frames: 1, request);
            using var image = reader.Decode(request.MaxPixels);
            return Finish(image, request.MaxSide);
        }
        catch (MagickException refused)
        {
            throw RefusedException.ByDecoder(refused.Message);
        }
    }

    // fail-on=warning refuses damage. With error, garbage inside a JPEG passes, and a 103-byte bomb takes seconds. Names no page: the
    // default is the first frame, and for HEIF the primary image, which may not be the first.
    static Image Open(Source source, ImageFormat format) => format switch
    {
        ImageFormat.Jpeg => Image.JpegloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Png => Image.PngloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.WebP => Image.WebploadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Gif => Image.GifloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Avif => Image.HeifloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "No loader reads this format."),
    };

    // Turns upright, scales down, converts to sRGB and flattens on white. Decodes all pixels, so that damage is found.
    static Image Finish(Image image, int maxSide)
    {
        using var thumbnail = Thumbnail(image, maxSide);
        // A thumbnail of a grey or 16-bit image is still grey or 16-bit.
        using var srgb = thumbnail.Colourspace(Enums.Interpretation.Srgb);
        // flatten treats the last band of an opaque image as alpha.
        using var flat = srgb.HasAlpha() ? srgb.Flatten(background: [255]) : null;
        return (flat ?? srgb).CopyMemory();
    }

    static ProcessedImage Encode(Image decoded)
    {
        var shorter = Math.Min(decoded.Width, decoded.Height);
        var variants = new byte[ProcessedImage.Sides.Count][];
        // Crops first: thumbnail_image with crop shrinks the whole image before it crops, a quarter more work.
        var larger = decoded.Gravity(Enums.CompassDirection.Centre, shorter, shorter);
        try
        {
            for (var i = variants.Length - 1; i >= 0; i--)
            {
                using var square = larger.Resize((double)Math.Min(ProcessedImage.Sides[i], shorter) / larger.Width);
                // Makes each square from the next larger one, which is smaller than the image.
                var kept = square.CopyMemory();
                larger.Dispose();
                larger = kept;
                variants[i] = Save(kept);
            }
        }
        finally
        {
            larger.Dispose();
        }
        using var small = decoded.ThumbnailImage(SmallSide, SmallSide, Enums.Size.Down);
        var pixels = small.WriteToMemory<byte>();
        var thumbHash = ThumbHash.Encode(small.Width, small.Height, pixels);
        return new(Save(decoded), decoded.Width, decoded.Height, thumbHash, DominantColor(pixels), variants);
    }

    static byte[] Save(Image image) => image.JpegsaveBuffer(q: 82, optimizeCoding: true, keep: Enums.ForeignKeep.None);

    static void Check(int width, int height, int frames, DecodeRequest request)
    {
        if (width < 1 || height < 1) throw RefusedException.Invalid();

        var pixels = Math.BigMul(width, height);
        if (pixels > request.MaxPixels)
            throw new RefusedException(DecodeAnswer.TooManyPixels, $"The image has {pixels} pixels.");
        if (width > LongestSide || height > LongestSide) throw RefusedException.Invalid();
        if (frames > request.MaxPixelsOfAllFrames / pixels)
            throw new RefusedException(DecodeAnswer.TooManyPixelsInAllFrames, $"The image has {frames} frames of {pixels} pixels.");
    }

    // A JPEG decoder produces 1/2, 1/4 or 1/8 of the size for a fraction of the work. thumbnail_image comes too late for that, and
    // thumbnail_source leaves a factor of two to itself. Accepts slightly less than the side, such as 4032 / 4 = 1008, rather than decode
    // four times the pixels. Not for a sliver, whose short side would vanish.
    static int ShrinkFactor(Image header, int side)
    {
        var (width, height) = (header.Width, header.Height);
        if (Math.Min(width, height) < Sliver)
            return 1;
        return (Math.Max(width, height) / (side - (side / 16))) switch
        {
            >= 8 => 8,
            >= 4 => 4,
            >= 2 => 2,
            _ => 1,
        };
    }

    // thumbnail_image turns the image upright and converts CMYK. Only images that embed a profile are converted: the others are sRGB
    // already, and converting them too takes a third of an image's time.
    static Image Thumbnail(Image image, int side)
    {
        if (!image.Contains("icc-profile-data"))
            return image.ThumbnailImage(side, side, Enums.Size.Down);
        try
        {
            return image.ThumbnailImage(side, side, Enums.Size.Down, outputProfile: "srgb");
        }
        catch (VipsException)
        {
            // The profile does not fit the pixels, such as an RGB profile in a grey image: browsers ignore it too. Any other failure occurs
            // again without the profile.
            return image.ThumbnailImage(side, side, Enums.Size.Down);
        }
    }

    // Returns the mean of the fullest of 512 boxes of similar colours.
    static string DominantColor(ReadOnlySpan<byte> rgb)
    {
        var boxes = new (int Count, int Red, int Green, int Blue)[512];
        for (var i = 0; i + 2 < rgb.Length; i += 3)
        {
            ref var box = ref boxes[(rgb[i] >> 5 << 6) | (rgb[i + 1] >> 5 << 3) | (rgb[i + 2] >> 5)];
            box = (box.Count + 1, box.Red + rgb[i], box.Green + rgb[i + 1], box.Blue + rgb[i + 2]);
        }
        var (count, red, green, blue) = boxes.MaxBy(b => b.Count);
        return $"#{red / count:x2}{green / count:x2}{blue / count:x2}";
    }
}
