using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Registers the client and the storage.</summary>
static class CloudinarySetup
{
    public static IServiceCollection AddCloudinary(this IServiceCollection services)
    {
        services.AddSection<CloudinaryOptions>("Cloudinary")
            .Configure<IConfiguration>((o, configuration) => o.Url = configuration["CLOUDINARY_URL"])
            .Validate(
                o => string.IsNullOrEmpty(o.Url) || o.Account is not null,
                "CLOUDINARY_URL must look like cloudinary://key:secret@cloud.");
        services.AddHttpClient<CloudinaryClient>((provider, http) =>
            {
                http.Timeout = provider.GetRequiredService<IOptions<CloudinaryOptions>>().Value.Timeout;
                http.MaxResponseContentBufferSize = CloudinaryClient.MaxAnswerBytes;
            })
            // Not redirected: the image and its signature are for the configured host alone.
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
            // The storage keeps its client: it is the connections that are renewed.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RemoveAllLoggers();
        return services.AddSingleton<CloudinaryImageStorage>();
    }
}
