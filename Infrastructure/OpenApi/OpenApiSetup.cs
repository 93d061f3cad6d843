using System.Text.Json;
using FastEndpoints;
using FastEndpoints.Swagger;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using NJsonSchema;
using NJsonSchema.Generation.TypeMappers;
using NSwag;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Serves the API document at <c>/openapi/v1.json</c>, generated on the first request, and the explorer at <c>/swagger</c>; that of the
/// admin API at <c>/admin/openapi.json</c> on its port.
/// </summary>
static class OpenApiSetup
{
    const string DocumentPath = "/openapi/v1.json", PagePath = "/swagger", AdminPath = "/admin/openapi.json";

    const string PublicDocument = "v1", AdminDocument = "admin";

    const string PagePolicy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        + "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

    public static IServiceCollection AddExplorer(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSection<ExplorerOptions>("OpenApi");
        if (AdminOptions.IsOn(configuration))
            services.SwaggerDocument(DescribeAdmin);
        return services.SwaggerDocument(DescribePublic);
    }

    static void DescribePublic(DocumentOptions o)
    {
        o.EndpointFilter = endpoint => !IsAdmin(endpoint);
        Describe(o, PublicDocument, DocumentLayout.Public,
            "Accounts, profiles and profile images for mobile apps. "
                + "Register, log in, then send the token as `Authorization: Bearer <access_token>`. "
                + "Every error is RFC 9457 problem details.",
            new()
            {
                Type = OpenApiSecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The `access_token` of a login: a JWT, issued and verified as RFC8725 advises.",
            });
    }

    static void DescribeAdmin(DocumentOptions o)
    {
        o.EndpointFilter = IsAdmin;
        o.ExcludeNonFastEndpoints = true;
        Describe(o, AdminDocument, DocumentLayout.Admin,
            "What operators do to accounts, on a port of its own. Send an admin key as `Authorization: Bearer <key>`; "
                + "`Profiles admin-keys create` makes one. Every error is RFC 9457 problem details.",
            new()
            {
                Type = OpenApiSecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An admin key with the scope that the operation names (RFC6750).",
            });
    }

    static bool IsAdmin(EndpointDefinition endpoint) => endpoint.EndpointType.IsDefined(typeof(AdminEndpointAttribute), inherit: false);

    static void Describe(
        DocumentOptions o, string name, DocumentLayout layout, string description, OpenApiSecurityScheme authentication)
    {
        o.ShortSchemaNames = true;
        o.FlattenSchema = true;
        // The slices set their own tags.
        o.AutoTagPathSegmentIndex = 0;
        o.EnableJWTBearerAuth = false;
        o.SerializerSettings = s => s.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        o.DocumentSettings = d =>
        {
            d.DocumentName = name;
            d.Title = "Profiles";
            d.Version = "v1";
            d.Description = description;
            d.AddAuth("Bearer", authentication);
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
            d.DocumentProcessors.Add(layout);
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
        if (app.Services.GetRequiredService<IOptions<AdminOptions>>().Value.Port is not null)
            app.MapGet(AdminPath, ((IApplicationBuilder)app).New().UseAdminDocument().Build()).AllowAnonymous().ExcludeFromDescription();
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

    static IApplicationBuilder UseAdminDocument(this IApplicationBuilder branch) => branch.UseOpenApi(document =>
    {
        document.DocumentName = AdminDocument;
        document.Path = AdminPath;
        document.PostProcess = (generated, _) =>
        {
            generated.Generator = null;
            generated.Servers.Clear();
            generated.Servers.Add(new DescribedServer { Url = "/", IsInternal = true });
        };
    });

    static IApplicationBuilder UseExplorer(this IApplicationBuilder branch, WebApplication app) => branch.UseSwaggerGen(
        document =>
        {
            document.DocumentName = PublicDocument;
            document.Path = DocumentPath;
            document.PostProcess = (generated, _) =>
            {
                var basePath = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.BasePath;
                generated.Generator = null;
                generated.Servers.Clear();
                generated.Servers.Add(new DescribedServer { Url = basePath.Length == 0 ? "/" : basePath });
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

    // x-internal says for whom a server is (OWASP API9).
    sealed class DescribedServer : OpenApiServer
    {
        [JsonProperty("x-internal")]
        public bool IsInternal { get; init; }
    }
}
