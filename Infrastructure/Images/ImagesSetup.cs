using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Images;

/// <summary>Registers the pipeline and the storage that the settings name.</summary>
static class ImagesSetup
{
    public static IServiceCollection AddImages(this IServiceCollection services) => services
        .AddSingleton<ImagePipeline>()
        .AddScoped<ProfileImages>()
        .AddSingleton<ImageAddress>()
        .AddSingleton<LocalImageStorage>()
        .AddSingleton<CloudinaryImageStorage>()
        .AddSingleton<IImageStorage>(p => p.GetRequiredService<IOptions<ImagesOptions>>().Value.Storage == ImageStorageKind.Cloudinary
            ? p.GetRequiredService<CloudinaryImageStorage>()
            : p.GetRequiredService<LocalImageStorage>())
        .AddHostedService<LocalImageRecovery>();
}
