using System.Globalization;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>Makes the addresses of a picture that a client can use from the one that is stored.</summary>
sealed class ImageAddress(IOptions<ServiceOptions> service, IHttpContextAccessor context)
{
    static readonly (int Side, string Name)[] Sides = [.. ProcessedImage.Sides.Select(s => (s, s.ToString(CultureInfo.InvariantCulture)))];

    /// <summary>Absolute, or null when there is no picture.</summary>
    public string? Of(ProfileImage? image) => image is null ? null : Absolute(image.Url);

    /// <summary>The picture with its variants; null when there is none, or one from before they were made.</summary>
    public ImageDescription? Describe(ProfileImage? image) => image is null or { Width: 0 } ? null : new(
        Absolute(image.Url), image.Width, image.Height, image.Bytes, image.Thumbhash, image.DominantColor,
        Sides.ToDictionary(s => s.Name, s => Absolute(image.IsLocal ? LocalImageStorage.VariantUrl(image.Url, s.Side) : CloudinaryImageStorage.VariantUrl(image.Url, s.Side))),
        image.UpdatedAt);

    string Absolute(string url) => url is ['/', ..] ? BaseUrl + url : url;

    // The request's own host is believed only in Development: everywhere else the setting is demanded.
    string BaseUrl => service.Value.PublicBaseUrl ?? $"{context.HttpContext!.Request.Scheme}://{context.HttpContext.Request.Host}";
}
