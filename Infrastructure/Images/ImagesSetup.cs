using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Outbox;

namespace Profiles.Infrastructure.Images;

/// <summary>Registers the pipeline and the storage that the settings name.</summary>
static class ImagesSetup
{
    public static IServiceCollection AddImages(this IServiceCollection services) => services
        .Configure<RouteOptions>(o => o.SetParameterPolicy<CanonicalNumber>(CanonicalNumber.Name))
        .AddSingleton<UploadMemory>()
        .AddSingleton<DecodePool>()
        .AddSingleton<ImageStorages>()
        .AddScoped<ImageSettlement>()
        .AddSingleton<ImageAddress>()
        .AddSingleton<LocalImageStorage>()
        .AddCloudinary()
        .AddSingleton<IImageStorage>(p => p.GetRequiredService<IOptions<ImagesOptions>>().Value.Storage == ImageStorageKind.Cloudinary
            ? p.GetRequiredService<CloudinaryImageStorage>()
            : p.GetRequiredService<LocalImageStorage>())
        .AddKeyedScoped<IOutboxHandler>(OutboxStore.LocalImages, (p, _) => p.GetRequiredService<ImageSettlement>())
        .AddKeyedScoped<IOutboxHandler>(OutboxStore.Cloudinary, (p, _) => p.GetRequiredService<ImageSettlement>());
}
