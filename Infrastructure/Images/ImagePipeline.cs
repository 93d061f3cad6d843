using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Images;

/// <summary>
/// Makes of any accepted picture the one that is stored: upright, sRGB, at most MaxSide x MaxSide, white where it was
/// transparent, the first frame of an animation, without metadata, always encoded anew.
/// </summary>
sealed class ImagePipeline(IOptions<ImagesOptions> options) : IDisposable
{
    const int QueueLimit = 32;

    // All frames together may have this many times the pixels of one. Only the first is decoded; more than that is a
    // bomb and not a picture.
    const int AllFrames = 10;

    // What a JPEG can have. A PNG can have more: one of 1 x 10,000,000, 20 kB, costs 20 seconds.
    const int LongestSide = 65535;

    const int Sliver = 16;

    // warning: damage is refused. With error, garbage inside a JPEG passes, and a 103-byte bomb costs seconds.
    // No page is named: the default is the first frame, and for HEIF the primary picture, which may not be the first.
    const string LoadOptions = "access=sequential,fail-on=warning";

    // The background is put under pictures that have an alpha channel and leaves the others alone.
    const string SaveOptions = "Q=82,strip=true,optimize-coding=true,background=255";

    readonly ConcurrencyLimiter decoders = new(new()
    {
        PermitLimit = Environment.ProcessorCount,
        QueueLimit = QueueLimit,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>
    /// Processes one picture. As many are decoded at once as there are processors; 32 more may wait, which
    /// <paramref name="ct"/> ends. A decode that has begun is not interrupted: libvips could only leave it half.
    /// </summary>
    /// <exception cref="InvalidImageException">Not a format on the list, damaged, truncated or empty.</exception>
    /// <exception cref="TooManyPixelsException">The header promises more pixels than Images:MaxPixels, or than ten times as many in all frames.</exception>
    /// <exception cref="BusyException">Too many pictures are waiting.</exception>
    public async Task<ProcessedImage> ProcessAsync(ReadOnlyMemory<byte> picture, CancellationToken ct)
    {
        var format = ImageFormats.Sniff(picture.Span) ?? throw new InvalidImageException();
        using var slot = await decoders.AcquireAsync(permitCount: 1, ct);
        if (!slot.IsAcquired) throw new BusyException();
        return await Task.Run(() => Process(picture, format), CancellationToken.None);
    }

    public void Dispose() => decoders.Dispose();

    unsafe ProcessedImage Process(ReadOnlyMemory<byte> upload, ImageFormat format)
    {
        Vips.Start();
        var picture = ImageStructure.Admit(format, upload);
        var loader = ImageFormats.Loader(format);
        var side = options.Value.MaxSide;

        // The pin is declared first and so let go last, after all that reads the bytes.
        using var bytes = picture.Pin();
        try
        {
            using var source = Vips.OpenSource(bytes.Pointer, picture.Length);
            using var header = Vips.Load(loader, source, LoadOptions);
            Check(header);

            using var reopened = format is ImageFormat.Jpeg ? Vips.OpenSource(bytes.Pointer, picture.Length) : null;
            using var shrunk = reopened is null ? null : Vips.Load(loader, reopened, LoadOptions + Shrink(header, side));
            using var thumbnail = Thumbnail(shrunk ?? header, side);

            // Grey and 16-bit pictures stay so in a thumbnail.
            using var upright = Vips.Apply("colourspace", thumbnail, "space=srgb");
            return new(Vips.SaveJpeg(upright, SaveOptions));
        }
        catch (VipsException refused)
        {
            throw new InvalidImageException(refused);
        }
    }

    void Check(VipsObject header)
    {
        var limit = options.Value.MaxPixels;
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
    // any more, and thumbnail_source, which could, ignores fail-on in 8.14. Not for a sliver: 8.14 rounds its short
    // side down to nothing and aborts the process.
    static string Shrink(VipsObject header, int side)
    {
        var (width, height) = (VipsNative.vips_image_get_width(header), VipsNative.vips_image_get_height(header));
        if (Math.Min(width, height) < Sliver) return "";
        return (Math.Max(width, height) / side) switch
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
}
