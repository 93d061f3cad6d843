using FastEndpoints;
using FastEndpoints.OpenApi;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>The API's document at <c>/openapi/v1.json</c> and the explorer on it at <c>/swagger</c>.</summary>
static class OpenApiSetup
{
    const string DocumentPath = "/openapi/v1.json";

    public static IServiceCollection AddExplorer(this IServiceCollection services) => services.OpenApiDocument(o =>
    {
        o.DocumentName = "v1";
        o.ShortSchemaNames = true;
        o.ConfigureOpenApi = api => api.AddDocumentTransformer<ContractDocument>();
    });

    /// <summary>An endpoint's name in the document: its slice; the further paths of a slice are its aliases.</summary>
    public static string OperationId(EndpointNameGenerationContext context)
    {
        var slice = context.EndpointType.Name.Replace("Endpoint", "", StringComparison.Ordinal);
        return context.RouteNumber is > 1 and var number ? $"{slice}Alias{number - 1}" : slice;
    }

    /// <summary>The slice that an operation id, maybe of an alias, is of.</summary>
    public static string Slice(string operationId) => operationId.Split("Alias")[0];

    public static void MapExplorer(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<ExplorerOptions>>().Value.Enabled)
            return;
        // The one document: the framework's own route answers other names with text.
        app.MapOpenApi(DocumentPath).AllowAnonymous();
        app.UseWhen(c => c.Request.Path.StartsWithSegments("/swagger", StringComparison.Ordinal), swagger =>
        {
            swagger.Use((context, next) =>
            {
                context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
                return next(context);
            });
            swagger.UseSwaggerUI(o =>
            {
                // From the page's own address, which may be below a proxy's path.
                o.SwaggerEndpoint($"..{DocumentPath}", "Profiles");
                o.DocumentTitle = "Profiles";
                o.ConfigObject.PersistAuthorization = true;
                o.ConfigObject.DisplayRequestDuration = true;
            });
        });
        app.MapGet("/", () => TypedResults.Redirect("/swagger")).AllowAnonymous().ExcludeFromDescription();
    }
}
