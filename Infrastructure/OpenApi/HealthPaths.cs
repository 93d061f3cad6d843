using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Describes the health checks, which the framework maps without describing them.</summary>
static class HealthPaths
{
    public static void Add(OpenApiDocument document)
    {
        document.Components!.Schemas!["Health"] = ContractSchemas.Object(["status", "checks"],
        [
            ("status", ContractSchemas.Text(20)),
            ("checks", new() { Type = JsonSchemaType.Object, Description = "What was looked at, and how it is.", AdditionalProperties = ContractSchemas.Text(20) }),
        ]);
        document.Paths["/health/live"] = Path(document, "IsLive", "Is the process alive?", "Answers as long as the process does.", []);
        document.Paths["/health/ready"] = Path(document, "IsReady", "Can the service do its work?", "The database answers, and a picture could be stored. When not, `checks` says which part failed.", ["database", "image_storage"]);
    }

    static OpenApiPathItem Path(OpenApiDocument document, string id, string summary, string description, string[] checks)
    {
        var example = new JsonObject { ["status"] = "ok", ["checks"] = new JsonObject(checks.Select(c => KeyValuePair.Create(c, (JsonNode?)"ok"))) };
        var operation = new OpenApiOperation
        {
            OperationId = id,
            Summary = summary,
            Description = description,
            Tags = new HashSet<OpenApiTagReference> { new("Health", document) },
            Security = [],
            Responses = new()
            {
                ["200"] = new OpenApiResponse
                {
                    Description = "Yes.",
                    Content = new Dictionary<string, OpenApiMediaType>
                    {
                        [ContractOperations.Json] = new() { Schema = new OpenApiSchemaReference("Health", document), Example = example },
                    },
                },
                ["503"] = ContractOperations.Error(document, 503, "The service is not ready."),
            },
        };
        return new() { Operations = new() { [HttpMethod.Get] = operation } };
    }
}
