using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Describes the health checks, which the framework maps without describing them.</summary>
static class HealthPaths
{
    public static void Add(OpenApiDocument document)
    {
        document.Components!.Schemas!["Health"] = ContractSchemas.Object(["status", "checks"],
        [
            ("status", Words("ok", "degraded")),
            ("pending", new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "0", Maximum = "2147483647", Description = "With readiness: mails that are still to be sent, and changes of pictures that are still to be ended in their storage." }),
            ("checks", new() { Type = JsonSchemaType.Object, Description = "What was looked at.", AdditionalProperties = Words("ok", "failed") }),
        ]);
        document.Paths["/health/live"] = Path(document, "IsLive", "Is the process alive?", "Answers as long as the process does.", []);
        var ready = document.Paths["/health/ready"] = Path(document, "IsReady", "Can the service do its work?",
            "The database answers. When an image cannot be stored, the service is `degraded` and does everything else; `checks` says which part failed. What was found a second ago is answered too.", ["database", "image_storage"]);
        var unready = ContractOperations.Error(document, 503, "It cannot: the database does not answer.", "The service is not ready.");
        unready.Content![Problems.ContentType].Example!["checks"] = new JsonObject { ["database"] = "failed", ["image_storage"] = "ok" };
        ready.Operations![HttpMethod.Get].Responses!["503"] = unready;
    }

    static OpenApiSchema Words(params ReadOnlySpan<string> words) => new() { Type = JsonSchemaType.String, Enum = [.. words] };

    static OpenApiPathItem Path(OpenApiDocument document, string id, string summary, string description, string[] checks)
    {
        var example = new JsonObject { ["status"] = "ok", ["checks"] = new JsonObject(checks.Select(c => KeyValuePair.Create(c, (JsonNode?)"ok"))) };
        if (checks.Length > 0)
            example["pending"] = 0;
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
                ["400"] = Error(document, 400),
                ["500"] = Error(document, 500),
            },
        };
        return new() { Operations = new() { [HttpMethod.Get] = operation } };
    }

    static OpenApiResponse Error(OpenApiDocument document, int status) =>
        ContractOperations.Error(document, status, ErrorCodes.OfStatus(status).Sentence, ErrorCodes.OfStatus(status).Sentence);
}
