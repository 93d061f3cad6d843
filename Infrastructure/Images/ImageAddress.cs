using System.Globalization;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Images.S3;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>Makes the URLs that clients see from the stored address of an image.</summary>
sealed class ImageAddress(IOptions<ServiceOptions> service, S3Addresses s3, IHttpContextAccessor context)
{
    static readonly (int Side, string Name)[] Sides =
        [.. ProcessedImage.Sides.Select(s => (s, s.ToString(CultureInfo.InvariantCulture)))];

    /// <summary>The absolute URL; null without an image.</summary>
    public string? Of(ProfileImage? image) => image is null ? null : Of(image, side: null);

    /// <summary>The image with its variants; null without an image or for one from before variants were introduced.</summary>
    public ImageDescription? Describe(ProfileImage? image) => image is null or { Width: 0 } || Of(image, side: null) is not { } url
        ? null
        : new(
            url, image.Width, image.Height, image.Bytes, image.Thumbhash, image.DominantColor,
            Sides.ToDictionary(s => s.Name, s => Of(image, s.Side)!), image.UpdatedAt);

    /// <summary>What changes when <see cref="Of(ProfileImage?)"/> does, the same from every instance.</summary>
    public string? VersionOf(ProfileImage? image) => image is { IsInS3: true } ? s3.VersionOf(image.Key) : Of(image);

    string? Of(ProfileImage image, int? side) =>
        image.IsInS3 ? s3.Of(image.Key, side)
        : image.IsLocal ? BaseUrl + (side is { } small ? LocalImageStorage.VariantUrl(image.Url, small) : image.Url)
        : side is { } square ? CloudinaryImageStorage.VariantUrl(image.Url, square)
        : image.Url;

    // Only Development trusts the request's host; every other environment requires the setting.
    string BaseUrl => service.Value.PublicBaseUrl ?? $"{context.HttpContext!.Request.Scheme}://{context.HttpContext.Request.Host}";
}
