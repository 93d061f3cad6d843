using FastEndpoints;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Makes the generated document say what the contract says: the one form of every error, who needs a token, headers, limits, aliases.
/// What the generators guess beyond that is removed, so that the document is the same whichever of them made it.
/// </summary>
sealed class ContractDocument : IOpenApiDocumentTransformer
{
    public const string BearerScheme = "Bearer";

    static readonly (string Name, string Description)[] Tags =
    [
        ("Account", "Register, log in, passwords and e-mail addresses, take the data along and leave."),
        ("Sessions", "Stay logged in, and log phones out."),
        ("Profile", "Show and change the caller's own profile; show what others make public."),
        ("Images", "The profile's picture."),
        ("Health", "For those who operate the service."),
    ];

    // As a newcomer goes through them; what is not named here comes last.
    static readonly string[] Story = ["Register", "Login", "RefreshToken", "Logout", "ListSessions", "EndSession", "EndOtherSessions", "GetMe", "UpdateMe", "PatchMe", "GetUser", "ListSecurityEvents", "ExportMe", "DeleteMe", "ChangePassword", "ForgotPassword", "ResetPassword", "VerifyEmail", "ResendVerification", "UploadImage", "DeleteImage", "GetImage", "IsLive", "IsReady"];

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new()
        {
            Title = "Profiles",
            Version = "v1",
            Description = "Accounts, profiles and profile images for mobile apps. Register, log in, then send the token as `Authorization: Bearer <access_token>`. "
                + "Every error is RFC 9457 problem details.",
            License = new() { Name = "MIT", Identifier = "MIT" },
            Contact = new() { Name = "The Profiles authors" },
        };
        // x-internal: whom a server is for (OWASP API9); this one is for everybody.
        var services = context.ApplicationServices;
        var basePath = services.GetRequiredService<IOptions<ServiceOptions>>().Value.BasePath;
        document.Servers = [new() { Url = basePath.Length == 0 ? "/" : basePath, Extensions = new Dictionary<string, IOpenApiExtension> { ["x-internal"] = new JsonNodeExtension(false) } }];
        document.Tags = Tags.Select(t => new OpenApiTag { Name = t.Name, Description = t.Description }).ToHashSet();
        document.Security = null;
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [BearerScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "The `access_token` that a login answers: a JWT, made and checked as RFC8725 advises." },
        };
        var limits = new ContractLimits(services.GetRequiredService<IOptions<PasswordOptions>>().Value.MinimumLength!.Value, services.GetRequiredService<IOptions<ImagesOptions>>().Value.MaxBytes);
        ContractSchemas.Apply(document, limits);
        var endpoints = context.DescriptionGroups.SelectMany(g => g.Items).ToDictionary(OperationId, d => d.ActionDescriptor.EndpointMetadata.OfType<EndpointDefinition>().SingleOrDefault());
        foreach (var (path, item) in document.Paths)
        {
            foreach (var (method, operation) in item.Operations ?? [])
                ContractOperations.Apply(document, limits, path, method, operation, endpoints.GetValueOrDefault(operation.OperationId ?? ""));
        }
        HealthPaths.Add(document);
        Sort(document);
        return Task.CompletedTask;
    }

    // The order of the generators is that of their files.
    static void Sort(OpenApiDocument document)
    {
        foreach (var item in document.Paths.Values.OfType<OpenApiPathItem>())
        {
            foreach (var operation in item.Operations!.Values)
                Reorder(operation.Responses!, r => r.Key);
            item.Operations = item.Operations.OrderBy(o => Place(o.Value)).ToDictionary();
        }
        Reorder(document.Paths, p => $"{Place(p.Value.Operations!.First().Value):D2} {p.Value.Operations!.First().Value.OperationId}");
    }

    static void Reorder<T>(Dictionary<string, T> members, Func<KeyValuePair<string, T>, string> by)
    {
        var ordered = members.OrderBy(by, StringComparer.Ordinal).ToArray();
        members.Clear();
        foreach (var (key, value) in ordered)
            members.Add(key, value);
    }

    static int Place(OpenApiOperation operation) =>
        Array.IndexOf(Story, OpenApiSetup.Slice(operation.OperationId!)) is >= 0 and var place ? place : Story.Length;

    static string OperationId(ApiDescription description) =>
        description.ActionDescriptor.EndpointMetadata.OfType<IEndpointNameMetadata>().Last().EndpointName;
}
