using System.Globalization;
using System.Text.Json.Nodes;
using FastEndpoints;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>What an operation answers, whom and with which headers.</summary>
static class ContractOperations
{
    public const string Json = "application/json";

    public static void Apply(OpenApiDocument document, string path, HttpMethod method, OpenApiOperation operation, EndpointDefinition? endpoint)
    {
        // The generators add tags made of the path behind the slice's own.
        operation.Tags = operation.Tags?.Take(1).ToHashSet();
        if (endpoint is not null && endpoint.Routes[0] != path)
            operation.Description = $"Alias of `{method.Method} {endpoint.Routes[0]}`. {operation.Description}";
        var isProtected = endpoint is { AnonymousVerbs: null };
        operation.Security = isProtected ? [new() { [new OpenApiSecuritySchemeReference(ContractDocument.BearerScheme, document)] = [] }] : [];
        operation.Responses ??= [];
        // An absent field is no null on the wire.
        foreach (var example in operation.RequestBody?.Content?.Values.Select(m => m.Example).OfType<JsonObject>() ?? [])
            example.Where(m => m.Value is null).Select(m => m.Key).ToList().ForEach(m => example.Remove(m));
        Describe(document, operation, endpoint, isProtected);
        AddHeaders(operation);
    }

    /// <summary>An error's answer: the problem, with an example of it.</summary>
    public static OpenApiResponse Error(OpenApiDocument document, int status, string? detail)
    {
        var example = new JsonObject
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,
            ["detail"] = detail ?? Problems.Sentence(status),
            ["trace_id"] = "2911fcea3dc055945b32145e781e433c",
        };
        var response = new OpenApiResponse
        {
            Description = detail ?? Problems.Sentence(status),
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Problems.ContentType] = new() { Schema = new OpenApiSchemaReference(ContractSchemas.Problem, document), Example = example },
            },
        };
        if (status == 401)
            Header(response, "WWW-Authenticate", "The challenge (RFC 6750).");
        if (status == 503)
            Header(response, "Retry-After", "Seconds to wait.");
        return response;
    }

    static void Describe(OpenApiDocument document, OpenApiOperation operation, EndpointDefinition? endpoint, bool isProtected)
    {
        var said = endpoint?.EndpointSummary?.Responses ?? [];
        var declared = operation.Responses!.Keys.Select(k => int.Parse(k, CultureInfo.InvariantCulture)).Where(s => s != 403);
        int[] body = operation.RequestBody is null ? [] : [400, 413, 415];
        int[] token = isProtected ? [401] : [];
        foreach (var status in declared.Concat(said.Keys).Concat(body).Concat(token).Concat([500, 503]).Distinct().Order().ToArray())
        {
            var key = status.ToString(CultureInfo.InvariantCulture);
            if (status >= 400)
                operation.Responses[key] = Error(document, status, said.GetValueOrDefault(status));
            else if (operation.Responses.TryGetValue(key, out var success))
                success.Description = said.GetValueOrDefault(status) ?? ReasonPhrases.GetReasonPhrase(status);
            if (status == 304 && operation.Responses[key] is OpenApiResponse unchanged)
                unchanged.Content = null;
        }
        operation.Responses.Remove("403");
    }

    static void AddHeaders(OpenApiOperation operation)
    {
        var responses = operation.Responses!;
        if (responses.TryGetValue("201", out var created))
            Header(created, "Location", "Where the caller's own profile is.");
        if (responses.ContainsKey("304"))
            Parameter(operation, "If-None-Match", "The `ETag` of the answer that the client has.");
        if (responses.ContainsKey("412"))
            Parameter(operation, "If-Match", "The `ETag` of the profile that is to be changed.");
        if (responses.ContainsKey("304") || responses.ContainsKey("412"))
            Header(responses["200"], "ETag", "Another one after every change.");
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            (parameter.Schema, parameter.Description) = (parameter.In, parameter.Name) switch
            {
                (ParameterLocation.Path, _) => (new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64", Minimum = "1", Maximum = "9223372036854775807" }, "The user's id."),
                (ParameterLocation.Query, _) => (ContractSchemas.Text(64), "The version in the profile's `image_url`."),
                _ => ((OpenApiSchema)parameter.Schema!, parameter.Description),
            };
        }
    }

    static void Header(IOpenApiResponse response, string name, string description)
    {
        if (response is OpenApiResponse concrete)
            (concrete.Headers ??= new Dictionary<string, IOpenApiHeader>())[name] = new OpenApiHeader { Description = description, Schema = ContractSchemas.Text(200) };
    }

    static void Parameter(OpenApiOperation operation, string name, string description) =>
        (operation.Parameters ??= []).Add(new OpenApiParameter { Name = name, In = ParameterLocation.Header, Description = description, Schema = ContractSchemas.Text(200) });
}
