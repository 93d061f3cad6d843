using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>Registers the client and the storage of a bucket.</summary>
static class S3Setup
{
    public static IServiceCollection AddS3(this IServiceCollection services)
    {
        services.AddSection<S3Options>("S3")
            .PostConfigure(o => o.PathStyle ??= o.Endpoint is not null)
            .Validate(o => o.AccessKey is null == o.SecretKey is null, "S3__AccessKey and S3__SecretKey must be set together.")
            .Validate(
                o => o.Bucket is null || o.AccessKey is not null || o.PublicAddress is not null,
                "S3__PublicAddress must be set where S3__AccessKey is not: an address that is signed with the temporary key of a role "
                    + "would stop loading with it.");
        return services.AddSingleton<S3Client>().AddSingleton<S3Addresses>().AddSingleton<S3ImageStorage>();
    }
}
