using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Images.Cloudinary;
using Profiles.Infrastructure.Images.S3;
using Profiles.Infrastructure.Outbox;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images;

/// <summary>Registers the storages of images and the validation of their settings.</summary>
static class ImagesSetup
{
    const long Mebibyte = 1024 * 1024;

    public static IServiceCollection AddImages(this IServiceCollection services)
    {
        services.AddSection<ImagesOptions>("Images")
            .PostConfigure<IHostEnvironment, IOptions<CloudinaryOptions>>((o, environment, cloudinary) =>
            {
                o.Directory = Path.GetFullPath(o.Directory, environment.ContentRootPath);
                o.RequireVersion ??= !environment.IsDevelopment();
                o.Storage ??= string.IsNullOrEmpty(cloudinary.Value.Url) ? ImageStorageKind.Local : ImageStorageKind.Cloudinary;
            })
            .Validate<IOptions<CloudinaryOptions>>(
                (o, cloudinary) => o.Storage != ImageStorageKind.Cloudinary || !string.IsNullOrEmpty(cloudinary.Value.Url),
                "Images__Storage is Cloudinary: CLOUDINARY_URL must be set too.")
            .Validate<IOptions<CloudinaryOptions>>(
                (o, cloudinary) => o.Storage != ImageStorageKind.Cloudinary || o.Grace > cloudinary.Value.Timeout,
                "Images__Grace must be longer than Cloudinary__Timeout: an upload in progress would be treated as abandoned.")
            .Validate<IOptions<S3Options>>(
                (o, s3) => o.Storage != ImageStorageKind.S3 || s3.Value.Bucket is not null,
                "Images__Storage is S3: S3__Bucket must be set too.")
            .Validate<IOptions<S3Options>>(
                (o, s3) => s3.Value.Bucket is null || o.Grace > 2 * s3.Value.Timeout,
                "Images__Grace must be longer than twice S3__Timeout: an upload in progress would be treated as abandoned.")
            .Validate<IOptions<DecodingOptions>>(
                (o, decoding) => decoding.Value.UploadMemory >= o.MaxBytes + Mebibyte,
                "Images__UploadMemory must have room for one image: at least 1 MiB more than Images__MaxBytes.");
        return services
            .Configure<RouteOptions>(o => o.SetParameterPolicy<CanonicalNumber>(CanonicalNumber.Name))
            .AddSingleton<ImageStorages>()
            .AddSingleton<ImageAddress>()
            .AddSingleton<LocalImageStorage>()
            .AddCloudinary()
            .AddS3()
            .AddScoped<ImageReplacement>()
            .AddSingleton(
                p => p.GetRequiredService<ImageStorages>().Of(p.GetRequiredService<IOptions<ImagesOptions>>().Value.Storage!.Value))
            .AddOutboxHandler<ImageSettlement>(
                ImageStorages.Stores, p => p.GetRequiredService<IOptions<ImagesOptions>>().Value.Grace);
    }
}
