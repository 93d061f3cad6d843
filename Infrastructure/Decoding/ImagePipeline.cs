using System.Globalization;

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

    // The pixels that tell the dominant colour and the ThumbHash.
    const int SmallSide = 32;

    // warning: damage is refused. With error, garbage inside a JPEG passes, and a 103-byte bomb costs seconds.
    // No page is named: the default is the first frame, and for HEIF the primary picture, which may not be the first.
    const string LoadOptions = "access=sequential,fail-on=warning";

    const string SaveOptions = "Q=82,strip=true,optimize-coding=true";

    /// <summary>Processes one picture; <paramref name="upload"/>, which ends in <see cref="ImageStructure.Room"/>, is overwritten where it has what is not decoded.</summary>
    /// <exception cref="InvalidImageException">Damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">The header promises more pixels than <paramref name="maxPixels"/>, or than ten times as many in all frames.</exception>
    public static unsafe ProcessedImage Process(Span<byte> upload, ImageFormat format, long maxPixels, int maxSide)
    {
        var picture = ImageStructure.Admit(format, upload);
        var loader = ImageFormats.Loader(format);
        fixed (byte* bytes = picture)
        {
            try
            {
                // Of the picture before.
                _ = Vips.TakeWarnings();
                using var source = Vips.OpenSource(bytes, picture.Length);
                using var header = Vips.Load(loader, source, LoadOptions);
                Check(header, maxPixels);
                // The decoder shows what there is of a frame.
                if (format is ImageFormat.Gif && !GifStructure.HasFirstFrame(picture))
                    throw new InvalidImageException();

                using var reopened = format is ImageFormat.Jpeg ? Vips.OpenSource(bytes, picture.Length) : null;
                using var shrunk = reopened is null ? null : Vips.Load(loader, reopened, LoadOptions + Shrink(header, maxSide));
                using var thumbnail = Thumbnail(shrunk ?? header, maxSide);

                // Grey and 16-bit pictures stay so in a thumbnail.
                using var coloured = Vips.Apply("colourspace", thumbnail, "space=srgb");
                // In 8.14 flatten takes the blue out of a picture that is not transparent.
                using var flat = VipsNative.vips_image_hasalpha(coloured) == 0 ? null : Vips.Apply("flatten", coloured, "background=255");
                using var decoded = Vips.Decode(flat ?? coloured);
                // Of the last rows of a JPEG the loader does not see its decoder's warnings, which say that they are missing.
                if (format is ImageFormat.Jpeg && Vips.TakeWarnings() is { } warning)
                    throw new VipsException(warning);
                return Encode(decoded);
            }
            catch (VipsException refused)
            {
                throw new InvalidImageException(refused);
            }
        }
    }

    // From the pixels that are decoded already.
    static ProcessedImage Encode(VipsObject decoded)
    {
        var (width, height) = (VipsNative.vips_image_get_width(decoded), VipsNative.vips_image_get_height(decoded));
        var shorter = Math.Min(width, height);
        var variants = new byte[ProcessedImage.Sides.Count][];
        // Cut out first: with crop, thumbnail_image makes all of the picture smaller before it cuts, for a quarter more of the work.
        var larger = Vips.Apply("gravity", decoded, string.Create(CultureInfo.InvariantCulture, $"direction=centre,width={shorter},height={shorter}"));
        try
        {
            for (var i = variants.Length - 1; i >= 0; i--)
            {
                var side = Math.Min(ProcessedImage.Sides[i], shorter);
                using var square = Vips.Apply("resize", larger, string.Create(CultureInfo.InvariantCulture, $"scale={(double)side / VipsNative.vips_image_get_width(larger)}"));
                // Each is made of the next larger one, which is smaller than the picture.
                var kept = Vips.Decode(square);
                larger.Dispose();
                larger = kept;
                variants[i] = Vips.SaveJpeg(kept, SaveOptions);
            }
        }
        finally
        {
            larger.Dispose();
        }
        using var small = Vips.Apply("thumbnail_image", decoded, $"width={SmallSide},height={SmallSide},size=down");
        var pixels = Vips.Pixels(small, out var across, out var down);
        return new(Vips.SaveJpeg(decoded, SaveOptions), width, height, ThumbHash.Encode(across, down, pixels), DominantColor(pixels), variants);
    }

    static void Check(VipsObject header, long limit)
    {
        var limitOfAllFrames = Math.Min(limit, long.MaxValue / AllFrames) * AllFrames;
        var (width, height) = (VipsNative.vips_image_get_width(header), VipsNative.vips_image_get_height(header));
        if (width < 1 || height < 1) throw new InvalidImageException();

        var pixels = Math.BigMul(width, height);
        if (pixels > limit) throw new TooManyPixelsException(limit, ofAllFrames: false);
        if (width > LongestSide || height > LongestSide) throw new InvalidImageException();
        if (VipsNative.vips_image_get_n_pages(header) > limitOfAllFrames / pixels)
            throw new TooManyPixelsException(limitOfAllFrames, ofAllFrames: true);
    }

    // A JPEG decoder gives 1/2, 1/4 or 1/8 of the size for a fraction of the work. thumbnail_image cannot ask for it
    // any more, and thumbnail_source, which could, ignores fail-on in 8.14. A little less than the side is taken rather than
    // decoding four times the pixels to throw three away: 4032 / 4 = 1008. Not for a sliver: 8.14 rounds its short
    // side down to nothing and aborts the process.
    static string Shrink(VipsObject header, int side)
    {
        var (width, height) = (VipsNative.vips_image_get_width(header), VipsNative.vips_image_get_height(header));
        if (Math.Min(width, height) < Sliver) return "";
        return (Math.Max(width, height) / (side - (side / 16))) switch
        {
            >= 8 => ",shrink=8",
            >= 4 => ",shrink=4",
            >= 2 => ",shrink=2",
            _ => "",
        };
    }

    // Turns the picture upright and converts CMYK by itself. The profile is named only for pictures that embed one:
    // the others are sRGB already, and converting them all the same takes a third of a picture's time.
    static VipsObject Thumbnail(VipsObject image, int side)
    {
        var size = string.Create(CultureInfo.InvariantCulture, $"width={side},height={side},size=down");
        if (VipsNative.vips_image_get_typeof(image, "icc-profile-data") == 0)
            return Vips.Apply("thumbnail_image", image, size);
        try
        {
            return Vips.Apply("thumbnail_image", image, size + ",export-profile=srgb");
        }
        catch (VipsException)
        {
            // The profile is for other pixels, such as one for RGB in a grey picture. Browsers show the picture as if
            // it had none; if something else is wrong, it is so without the profile too.
            return Vips.Apply("thumbnail_image", image, size);
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
