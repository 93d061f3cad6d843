using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.Cloudinary;

/// <summary>Registers the client and the storage of Cloudinary.</summary>
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
            // No redirects: the image and its signature are for the configured host only.
            .ConfigurePrimaryHttpMessageHandler(
                () => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
            // The singleton storage keeps its client, so the connections are renewed instead of the handler.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .RemoveAllLoggers();
        return services.AddSingleton<CloudinaryImageStorage>();
    }
}
