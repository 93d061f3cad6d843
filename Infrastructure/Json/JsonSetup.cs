using FastEndpoints;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Profiles.Infrastructure.Json;

/// <summary>Configures how JSON is read and written, and the size of bodies.</summary>
static class JsonSetup
{
    public static IServiceCollection AddJson(this IServiceCollection services) => services
        .ConfigureHttpJsonOptions(StrictJson.Configure)
        .AddSingleton(typeof(IRequestBinder<>), typeof(BodyBinder<>))
        .Configure<KestrelServerOptions>(kestrel =>
        {
            // Small bodies; a slice may accept larger ones.
            kestrel.Limits.MaxRequestBodySize = StrictJson.MaxBodyBytes;
            // What a connection may send ahead of its reader: a thousand waiting ones must not take a gigabyte.
            kestrel.Limits.MaxRequestBufferSize = 2 * StrictJson.MaxBodyBytes;
        });
}
