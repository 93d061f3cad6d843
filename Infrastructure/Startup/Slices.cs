using FastEndpoints;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Authentication;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Json;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Startup;

/// <summary>Configures FastEndpoints for the slices.</summary>
static class Slices
{
    /// <summary>Registers the slices; those of the admin API only when it has a port, so that they cost nothing else.</summary>
    public static IServiceCollection AddSlices(this IServiceCollection services, IConfiguration configuration)
    {
        var isAdminOn = AdminOptions.IsOn(configuration);
        return services.AddFastEndpoints(
            o => o.Filter = type => isAdminOn || !type.IsDefined(typeof(AdminEndpointAttribute), inherit: false));
    }

    public static void UseSlices(this WebApplication app)
    {
        app.UseFastEndpoints(Configure);
        // Compiles each route's handler once: routing and authorization would both build all routes.
        var sources = ((IEndpointRouteBuilder)app).DataSources;
        var all = new CompositeEndpointDataSource([.. sources]);
        sources.Clear();
        sources.Add(all);
    }

    static void Configure(Config c)
    {
        c.Endpoints.NameGenerator = OpenApiSetup.OperationId;
        c.Endpoints.Configurator = e => e.RequireExistingUser();
        c.Binding.UsePropertyNamingPolicy = true;
        c.Binding.JsonExceptionTransformer = null;
        c.Serializer.RequestDeserializer = StrictJson.ReadAsync;
        c.Errors.ProducesMetadataType = typeof(HttpValidationProblemDetails);
        c.Errors.ResponseBuilder = Problems.Validation;
    }
}
