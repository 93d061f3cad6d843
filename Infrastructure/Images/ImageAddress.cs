using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>Makes the address of a picture that a client can use from the one that is stored.</summary>
sealed class ImageAddress(IOptions<ServiceOptions> service, IHttpContextAccessor context)
{
    /// <summary>Absolute, or null when there is no picture.</summary>
    public string? Of(string? storedUrl) => storedUrl is null or not ['/', ..] ? storedUrl : BaseUrl + storedUrl;

    // The request's own host is believed only in Development: everywhere else the setting is demanded.
    string BaseUrl => service.Value.PublicBaseUrl ?? $"{context.HttpContext!.Request.Scheme}://{context.HttpContext.Request.Host}";
}
