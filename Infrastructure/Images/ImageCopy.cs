using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Infrastructure.Images;

/// <summary>An image with its variants, read from one storage to be stored in another.</summary>
sealed record ImageCopy(ProfileImage Original, ProcessedImage Content)
{
    /// <summary>Reads an image; null when it or a variant is missing. One without variants gets them.</summary>
    public static async Task<ImageCopy?> ReadAsync(long userId, ProfileImage image, IImageStorage source, DecodePool decoders)
    {
        var parts = new List<byte[]>();
        // An image from before variants were introduced has none.
        foreach (var side in image.Width == 0 ? [null] : IImageStorage.Parts)
        {
            if (await source.ReadAsync(userId, image, side, CancellationToken.None) is not { } part)
                return null;
            parts.Add(part);
        }
        if (image.Bytes != 0 && parts[0].Length != image.Bytes)
            throw new ImageStorageException($"It has {parts[0].Length} bytes instead of {image.Bytes}.");
        return new(image, image.Width == 0
            ? await ProcessAsync(parts[0], decoders)
            : new(
                parts[0], image.Width, image.Height, Convert.FromBase64String(image.Thumbhash), image.DominantColor, parts[1..]));
    }

    /// <summary>What the profile shows once the image is stored under another key and url.</summary>
    public ProfileImage At(string key, string url) => Original with
    {
        Key = key,
        Url = url,
        Width = Content.Width,
        Height = Content.Height,
        Bytes = Content.Jpeg.Length,
        Thumbhash = Convert.ToBase64String(Content.ThumbHash),
        DominantColor = Content.DominantColor,
    };

    /// <summary>Compares what was stored, byte for byte. Cloudinary makes variants itself.</summary>
    public async Task VerifyAsync(long userId, ProfileImage stored, IImageStorage target)
    {
        byte[][] parts = target.Store == OutboxStore.Cloudinary ? [Content.Jpeg] : [Content.Jpeg, .. Content.Variants];
        foreach (var (side, part) in IImageStorage.Parts.Zip(parts))
        {
            if (await ReadBackAsync(userId, stored, side, target) is not { } read || !read.AsSpan().SequenceEqual(part))
                throw new ImageStorageException("What was stored is not what was read.");
        }
    }

    // Never a refusal of the whole: the image is stored by now.
    static async Task<byte[]?> ReadBackAsync(long userId, ProfileImage stored, int? side, IImageStorage target)
    {
        try
        {
            return await target.ReadAsync(userId, stored, side, CancellationToken.None);
        }
        catch (ImageStorageException e)
        {
            throw new ImageStorageException($"What was stored cannot be read back: {e.Message}", e);
        }
    }

    static async Task<ProcessedImage> ProcessAsync(byte[] jpeg, DecodePool decoders)
    {
        using var upload = decoders.Receive();
        using var stream = new MemoryStream(jpeg);
        while (await upload.ReadAsync(stream, CancellationToken.None))
            continue;
        return await decoders.ProcessAsync(upload, CancellationToken.None);
    }
}
