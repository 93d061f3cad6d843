using FastEndpoints;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Makes the generated document say what the contract says: the one form of every error, who needs a token, headers, limits, aliases.
/// What the generators guess beyond that is removed, so that the document is the same whichever of them made it.
/// </summary>
sealed class ContractDocument : IOpenApiDocumentTransformer
{
    public const string BearerScheme = "bearer";

    static readonly (string Name, string Description)[] Tags =
    [
        ("Account", "Register and log in."),
        ("Profile", "Show and change the caller's own profile."),
        ("Images", "The profile's picture."),
        ("Health", "For those who operate the service."),
    ];

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
        document.Servers = [new() { Url = "/" }];
        document.Tags = Tags.Select(t => new OpenApiTag { Name = t.Name, Description = t.Description }).ToHashSet();
        document.Security = null;
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [BearerScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "The `access_token` that a login answers: a JWT, made and checked as RFC8725 advises." },
        };
        ContractSchemas.Apply(document, context.ApplicationServices.GetRequiredService<IOptions<ImagesOptions>>().Value);
        var endpoints = context.DescriptionGroups.SelectMany(g => g.Items).ToDictionary(OperationId, d => d.ActionDescriptor.EndpointMetadata.OfType<EndpointDefinition>().SingleOrDefault());
        foreach (var (path, item) in document.Paths)
        {
            foreach (var (method, operation) in item.Operations ?? [])
                ContractOperations.Apply(document, path, method, operation, endpoints.GetValueOrDefault(operation.OperationId ?? ""));
        }
        HealthPaths.Add(document);
        Sort(document);
        return Task.CompletedTask;
    }

    // As a reader goes through them: by tag, a slice's first path before its aliases.
    static void Sort(OpenApiDocument document)
    {
        var order = Tags.Select(t => t.Name).ToList();
        var sorted = document.Paths.OrderBy(p => order.IndexOf(p.Value.Operations!.First().Value.Tags!.First().Name!))
            .ThenBy(p => p.Value.Operations!.First().Value.OperationId, StringComparer.Ordinal).ToArray();
        document.Paths.Clear();
        foreach (var (path, item) in sorted)
            document.Paths.Add(path, item);
    }

    static string OperationId(ApiDescription description) =>
        description.ActionDescriptor.EndpointMetadata.OfType<IEndpointNameMetadata>().Last().EndpointName;
}
