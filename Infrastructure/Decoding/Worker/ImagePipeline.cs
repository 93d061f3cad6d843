using System.Runtime.CompilerServices;
using ImageMagick;
using NetVips;

namespace Profiles.Infrastructure.Decoding;

/// <summary>
/// Makes of any accepted picture the ones that are stored: upright, sRGB, at most MaxSide x MaxSide, white where it was
/// transparent, the first frame of an animation, without metadata, always encoded anew. Runs where a crash does not matter, in a <see cref="DecodeWorker"/>.
/// </summary>
static class ImagePipeline
{
    /// <summary>All frames together may have this many times the pixels of one. Only the first is decoded; more than that is a bomb and not a picture.</summary>
    public const int AllFrames = 10;

    // What a JPEG can have. A PNG can have more: one of 1 x 10,000,000, 20 kB, costs 20 seconds.
    const int LongestSide = 65535;

    const int Sliver = 16;

    // Each is gone through before the first is decoded.
    const int MostGifFrames = 4096;

    // The pixels that tell the dominant colour and the ThumbHash.
    const int SmallSide = 32;

    /// <summary>Processes one picture; <paramref name="upload"/>, which ends in <see cref="ImageStructure.Room"/>, is overwritten where it has what is not decoded.</summary>
    /// <exception cref="InvalidImageException">Damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">The header promises more pixels than <paramref name="maxPixels"/>, or than ten times as many in all frames.</exception>
    public static ProcessedImage Process(Span<byte> upload, ImageFormat format, long maxPixels, int maxSide)
    {
        var picture = ImageStructure.Admit(format, upload);
        // Of the picture before.
        _ = TakeWarnings();
        try
        {
            using var decoded = format is ImageFormat.Heic
                ? DecodeHeic(picture, maxPixels, maxSide)
                : Decode(picture, format, maxPixels, maxSide);
            return Encode(decoded);
        }
        catch (VipsException refused)
        {
            // The first line is the binding's.
            throw new InvalidImageException(new DecoderException(refused.Message.Split('\n', 2)[^1].Trim()));
        }
    }

    static Image Decode(ReadOnlySpan<byte> picture, ImageFormat format, long maxPixels, int maxSide)
    {
        using var source = Source.NewFromMemory(picture);
        using var header = Open(source, format);
        var frames = header.Contains("n-pages") ? (int)header.Get("n-pages") : 1;
        Check(header.Width, header.Height, frames, maxPixels);
        // The decoder shows what there is of a frame.
        if (format is ImageFormat.Gif && (frames > MostGifFrames || !GifStructure.HasFirstFrame(picture)))
            throw new InvalidImageException();
        if (format is not ImageFormat.Jpeg)
            return Finish(header, maxSide);
        using var shrunk = Image.JpegloadSource(
            source, Shrink(header, maxSide), access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning);
        var decoded = Finish(shrunk, maxSide);
        // Of the last rows the loader does not see its decoder's warnings, which say that they are missing.
        if (TakeWarnings() is not { Length: > 0 } warning)
            return decoded;
        decoded.Dispose();
        throw new InvalidImageException(new DecoderException(warning));
    }

    // What the decoders have said of a picture that they decoded all the same: the exception of NetVips takes it from libvips,
    // which keeps it for the whole process.
    static string TakeWarnings() => new VipsException("").Message.Trim();

    // Not inlined: an image that is none does not load ImageMagick.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static Image DecodeHeic(ReadOnlySpan<byte> picture, long maxPixels, int maxSide)
    {
        try
        {
            using var reader = new HeicReader(picture);
            var (width, height) = reader.Size();
            Check(width, height, frames: 1, maxPixels);
            using var image = reader.Decode(maxPixels);
            return Finish(image, maxSide);
        }
        catch (MagickException refused)
        {
            throw new InvalidImageException(refused);
        }
    }

    // fail-on=warning: damage is refused. With error, garbage inside a JPEG passes, and a 103-byte bomb costs seconds.
    // No page is named: the default is the first frame, and for HEIF the primary picture, which may not be the first.
    static Image Open(Source source, ImageFormat format) => format switch
    {
        ImageFormat.Jpeg => Image.JpegloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Png => Image.PngloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.WebP => Image.WebploadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Gif => Image.GifloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        ImageFormat.Avif => Image.HeifloadSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "No loader reads this format."),
    };

    // Upright, in sRGB, on white, and no larger than it may be; all pixels are decoded here, so that damage among them shows.
    static Image Finish(Image image, int maxSide)
    {
        using var thumbnail = Thumbnail(image, maxSide);
        // Grey and 16-bit pictures stay so in a thumbnail.
        using var coloured = thumbnail.Colourspace(Enums.Interpretation.Srgb);
        // flatten takes the last band of a picture that is not transparent for its opacity.
        using var flat = coloured.HasAlpha() ? coloured.Flatten(background: [255]) : null;
        return (flat ?? coloured).CopyMemory();
    }

    // From the pixels that are decoded already.
    static ProcessedImage Encode(Image decoded)
    {
        var shorter = Math.Min(decoded.Width, decoded.Height);
        var variants = new byte[ProcessedImage.Sides.Count][];
        // Cut out first: with crop, thumbnail_image makes all of the picture smaller before it cuts, a quarter more of the work.
        var larger = decoded.Gravity(Enums.CompassDirection.Centre, shorter, shorter);
        try
        {
            for (var i = variants.Length - 1; i >= 0; i--)
            {
                using var square = larger.Resize((double)Math.Min(ProcessedImage.Sides[i], shorter) / larger.Width);
                // Each is made of the next larger one, which is smaller than the picture.
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
        return new(Save(decoded), decoded.Width, decoded.Height, ThumbHash.Encode(small.Width, small.Height, pixels), DominantColor(pixels), variants);
    }

    static byte[] Save(Image image) => image.JpegsaveBuffer(q: 82, optimizeCoding: true, keep: Enums.ForeignKeep.None);

    static void Check(int width, int height, int frames, long limit)
    {
        var limitOfAllFrames = Math.Min(limit, long.MaxValue / AllFrames) * AllFrames;
        if (width < 1 || height < 1) throw new InvalidImageException();

        var pixels = Math.BigMul(width, height);
        if (pixels > limit) throw new TooManyPixelsException(limit, ofAllFrames: false);
        if (width > LongestSide || height > LongestSide) throw new InvalidImageException();
        if (frames > limitOfAllFrames / pixels)
            throw new TooManyPixelsException(limitOfAllFrames, ofAllFrames: true);
    }

    // A JPEG decoder gives 1/2, 1/4 or 1/8 of the size for a fraction of the work. thumbnail_image cannot ask for it any more,
    // and thumbnail_source leaves a factor of two to itself. A little less than the side is taken rather than decoding four times
    // the pixels to throw three away: 4032 / 4 = 1008. Not for a sliver, whose short side would be nothing.
    static int Shrink(Image header, int side)
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

    // Turns the picture upright and converts CMYK by itself. The profile is named only for pictures that embed one:
    // the others are sRGB already, and converting them all the same takes a third of a picture's time.
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
            // The profile is for other pixels, such as one for RGB in a grey picture. Browsers show the picture as if
            // it had none; if something else is wrong, it is so without the profile too.
            return image.ThumbnailImage(side, side, Enums.Size.Down);
        }
    }

    // The mean of the fullest of 512 boxes of colours that are alike.
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
