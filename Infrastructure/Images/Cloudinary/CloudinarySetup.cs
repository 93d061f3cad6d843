using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Registers the client and the storage.</summary>
static class CloudinarySetup
{
    public static IServiceCollection AddCloudinary(this IServiceCollection services)
    {
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
