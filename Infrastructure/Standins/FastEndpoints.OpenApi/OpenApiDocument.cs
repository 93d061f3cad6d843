using System.Text.Json;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace FastEndpoints.OpenApi;

/// <summary>What the document is called and who shapes it further.</summary>
public class DocumentOptions
{
    public string DocumentName { get; set; } = "v1";

    /// <summary>Names schemas by type name alone; the stand-in always does.</summary>
    public bool ShortSchemaNames { get; set; }

    public Action<OpenApiOptions>? ConfigureOpenApi { get; set; }
}

/// <summary>Describes the endpoints through ASP.NET Core's own OpenAPI generator.</summary>
public static class Extensions
{
    public static IServiceCollection OpenApiDocument(this IServiceCollection services, Action<DocumentOptions>? options = null)
    {
        var o = new DocumentOptions();
        options?.Invoke(o);
        return services.AddOpenApi(o.DocumentName, api =>
        {
            api.AddOperationTransformer((operation, context, _) => Describe(operation, context));
            o.ConfigureOpenApi?.Invoke(api);
        });
    }

    static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<EndpointDefinition>().SingleOrDefault() is not { } endpoint)
            return Task.CompletedTask;
        if (endpoint.EndpointSummary is not { } summary)
            return Task.CompletedTask;
        operation.Summary = summary.Summary;
        operation.Description = summary.Description;
        var json = context.ApplicationServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        if (summary.ExampleRequest is { } example)
            SetExample(operation.RequestBody?.Content, example, json);
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (summary.Responses.TryGetValue(int.Parse(status, provider: null), out var meaning))
                response.Description = meaning;
            if (summary.ResponseExamples.TryGetValue(int.Parse(status, provider: null), out var answer))
                SetExample(response.Content, answer, json);
        }
        return Task.CompletedTask;
    }

    static void SetExample(IDictionary<string, OpenApiMediaType>? content, object example, JsonSerializerOptions json)
    {
        foreach (var media in content?.Values ?? [])
            media.Example = JsonSerializer.SerializeToNode(example, example.GetType(), json);
    }
}
