using System.Globalization;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>Makes the URLs that clients see from the stored address of an image.</summary>
sealed class ImageAddress(IOptions<ServiceOptions> service, IHttpContextAccessor context)
{
    static readonly (int Side, string Name)[] Sides =
        [.. ProcessedImage.Sides.Select(s => (s, s.ToString(CultureInfo.InvariantCulture)))];

    /// <summary>The absolute URL; null without an image.</summary>
    public string? Of(ProfileImage? image) => image is null ? null : Absolute(image.Url);

    /// <summary>The image with its variants; null without an image or for one from before variants were introduced.</summary>
    public ImageDescription? Describe(ProfileImage? image) => image is null or { Width: 0 } ? null : new(
        Absolute(image.Url), image.Width, image.Height, image.Bytes, image.Thumbhash, image.DominantColor,
        Sides.ToDictionary(s => s.Name, s => Absolute(image.IsLocal
            ? LocalImageStorage.VariantUrl(image.Url, s.Side)
            : CloudinaryImageStorage.VariantUrl(image.Url, s.Side))),
        image.UpdatedAt);

    string Absolute(string url) => url is ['/', ..] ? BaseUrl + url : url;

    // Only Development trusts the request's host; every other environment requires the setting.
    string BaseUrl => service.Value.PublicBaseUrl ?? $"{context.HttpContext!.Request.Scheme}://{context.HttpContext.Request.Host}";
}
