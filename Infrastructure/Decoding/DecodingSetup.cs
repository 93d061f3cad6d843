using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Decoding;

/// <summary>Registers the decoding of uploads.</summary>
static class DecodingSetup
{
    public static IServiceCollection AddDecoding(this IServiceCollection services)
    {
        services.AddSection<DecodingOptions>("Images");
        return services.AddSingleton<UploadMemory>().AddSingleton<DecodePool>();
    }
}
