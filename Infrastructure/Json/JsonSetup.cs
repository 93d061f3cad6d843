using FastEndpoints;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Profiles.Infrastructure.Json;

/// <summary>Registers how bodies are read and written.</summary>
static class JsonSetup
{
    public static IServiceCollection AddJson(this IServiceCollection services) => services
        .ConfigureHttpJsonOptions(StrictJson.Configure)
        .AddSingleton(typeof(IRequestBinder<>), typeof(BodyBinder<>))
        .Configure<KestrelServerOptions>(kestrel =>
        {
            // Small bodies only; a slice may take more.
            kestrel.Limits.MaxRequestBodySize = StrictJson.MaxBodyBytes;
            // What a connection may send ahead of whoever reads it: a thousand of them that wait are not to take a gigabyte.
            kestrel.Limits.MaxRequestBufferSize = 2 * StrictJson.MaxBodyBytes;
        });
}
