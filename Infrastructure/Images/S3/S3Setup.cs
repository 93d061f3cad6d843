using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Images.S3;

/// <summary>Registers the client and the storage of a bucket.</summary>
static class S3Setup
{
    public static IServiceCollection AddS3(this IServiceCollection services)
    {
        services.AddSection<S3Options>("S3")
            .PostConfigure(o => o.PathStyle ??= o.Endpoint is not null)
            .Validate(o => o.AccessKey is null == o.SecretKey is null, "S3__AccessKey and S3__SecretKey must be set together.");
        return services.AddSingleton<S3Client>().AddSingleton<S3Addresses>().AddSingleton<S3ImageStorage>();
    }
}
