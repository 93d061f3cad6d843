using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Features.UploadImage;

static class UploadImageMapper
{
    /// <summary>What the profile's row says of an image.</summary>
    /// <param name="image">The image as it is stored.</param>
    /// <param name="entry">Its outbox entry: the key and the time.</param>
    /// <param name="url">Where the storage has put it.</param>
    public static ProfileImage ToImage(ProcessedImage image, OutboxEntry entry, string url) => new()
    {
        Key = entry.Key,
        Url = url,
        Width = image.Width,
        Height = image.Height,
        Bytes = image.Jpeg.Length,
        Thumbhash = Convert.ToBase64String(image.ThumbHash),
        DominantColor = image.DominantColor,
        UpdatedAt = entry.CreatedAt,
    };
}
