using System.Text.Json;
using FastEndpoints;
using FastEndpoints.Swagger;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using NJsonSchema;
using NJsonSchema.Generation.TypeMappers;
using NSwag;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Serves the API document at <c>/openapi/v1.json</c>, generated on the first request, and the explorer at <c>/swagger</c>.
/// </summary>
static class OpenApiSetup
{
    const string DocumentPath = "/openapi/v1.json", PagePath = "/swagger";

    const string PagePolicy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        + "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

    public static IServiceCollection AddExplorer(this IServiceCollection services)
    {
        services.AddSection<ExplorerOptions>("OpenApi");
        return services.SwaggerDocument(Describe);
    }

    static void Describe(DocumentOptions o)
    {
        o.ShortSchemaNames = true;
        o.FlattenSchema = true;
        // The slices set their own tags.
        o.AutoTagPathSegmentIndex = 0;
        o.EnableJWTBearerAuth = false;
        o.SerializerSettings = s => s.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        o.DocumentSettings = d =>
        {
            d.DocumentName = "v1";
            d.Title = "Profiles";
            d.Version = "v1";
            d.Description = "Accounts, profiles and profile images for mobile apps. "
                + "Register, log in, then send the token as `Authorization: Bearer <access_token>`. "
                + "Every error is RFC 9457 problem details.";
            d.AddAuth("Bearer", new()
            {
                Type = OpenApiSecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The `access_token` of a login: a JWT, issued and verified as RFC8725 advises.",
            });
            d.PostProcess = document =>
            {
                document.Info.License = new() { Name = "MIT", Url = "https://opensource.org/license/mit" };
                document.Info.Contact = new() { Name = "The Profiles authors" };
            };
            // Answers may get further members, and unknown members of requests are ignored.
            d.SchemaSettings.AlwaysAllowAdditionalObjectProperties = true;
            // Explicit, because some client generators take a schema without it for an object without members.
            d.SchemaSettings.TypeMappers.Add(new PrimitiveTypeMapper(
                typeof(JsonElement), s => (s.Type, s.AdditionalPropertiesSchema) = (JsonObjectType.Object, new())));
            d.SchemaSettings.TypeMappers.Add(new OptionalMapper());
            d.SchemaSettings.SchemaProcessors.Add(new MemberSchemas());
            d.OperationProcessors.Add(new ContractProcessor());
            d.DocumentProcessors.Add(new DocumentLayout());
        };
    }

    /// <summary>An endpoint's operation id: the name of its slice; its further paths are aliases.</summary>
    public static string OperationId(EndpointNameGenerationContext context)
    {
        var slice = context.EndpointType.Name.Replace("Endpoint", "", StringComparison.Ordinal);
        return context.RouteNumber is > 1 and var number ? $"{slice}Alias{number - 1}" : slice;
    }

    /// <summary>The slice of an operation id, also of an alias.</summary>
    public static string Slice(string operationId) => operationId.Split("Alias")[0];

    public static void MapExplorer(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<IOptions<ExplorerOptions>>().Value.Enabled)
            return;
        // A route, so that other methods are answered 405 as everywhere.
        app.MapGet(DocumentPath, ((IApplicationBuilder)app).New().UseExplorer(app).Build()).AllowAnonymous().ExcludeFromDescription();
        app.UseWhen(
            c => HttpMethods.IsGet(c.Request.Method) && c.Request.Path.StartsWithSegments(PagePath, StringComparison.Ordinal),
            page => page
                .Use((context, next) =>
                {
                    context.Response.Headers.ContentSecurityPolicy = PagePolicy;
                    return next(context);
                })
                .UseExplorer(app));
        app.MapGet("/", () => TypedResults.Redirect(PagePath)).AllowAnonymous().ExcludeFromDescription();
    }

    static IApplicationBuilder UseExplorer(this IApplicationBuilder branch, WebApplication app) => branch.UseSwaggerGen(
        document =>
        {
            document.DocumentName = "v1";
            document.Path = DocumentPath;
            document.PostProcess = (generated, _) =>
            {
                var basePath = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.BasePath;
                generated.Generator = null;
                generated.Servers.Clear();
                generated.Servers.Add(new PublicServer { Url = basePath.Length == 0 ? "/" : basePath });
            };
        },
        page =>
        {
            page.Path = PagePath;
            page.SwaggerRoutes.Add(new("Profiles", DocumentPath));
            page.DocExpansion = "list";
            page.DocumentTitle = "Profiles";
            // Relative to the page, which may be below a proxy's path.
            page.TransformToExternalPath = (path, _) => path == PagePath ? PagePath[1..] : $"..{path}";
            // In the document's order.
            (page.TagsSorter, page.OperationsSorter) = ("", "");
            page.DeActivateTryItOut();
            // Replaces the library's script for its search box, which is not needed. Folds the aliases.
            page.CustomHeadContent = $"""
                <script>
                addEventListener("load", () => setTimeout(() =>
                    ui.getSystem().layoutActions.show(["operations-tag", "{ContractProcessor.Aliases}"], false)));
                </script>
                """;
        });

    // x-internal says for whom a server is (OWASP API9): this one is for everybody.
    sealed class PublicServer : OpenApiServer
    {
        [JsonProperty("x-internal")]
        public bool IsInternal { get; } = false;
    }
}
