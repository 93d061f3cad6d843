using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Features.UploadImage;

static class UploadImageMapper
{
    /// <summary>Returns the profile's columns for a stored image.</summary>
    /// <param name="image">The stored image.</param>
    /// <param name="entry">Its outbox entry, which has the key and the time.</param>
    /// <param name="url">The address that the storage gave it.</param>
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
