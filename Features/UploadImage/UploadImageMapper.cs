using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Features.UploadImage;

static class UploadImageMapper
{
    /// <summary>What the profile keeps of a stored image; the time is that of the upload, UTC.</summary>
    public static ProfileImage ToImage(ProcessedImage image, string key, string url, DateTime updatedAt) => new()
    {
        Key = key,
        Url = url,
        Width = image.Width,
        Height = image.Height,
        Bytes = image.Jpeg.Length,
        Thumbhash = Convert.ToBase64String(image.ThumbHash),
        DominantColor = image.DominantColor,
        UpdatedAt = updatedAt,
    };
}
