using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FastEndpoints.Swagger;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NJsonSchema;
using NSwag;
using NSwag.Generation.AspNetCore;
using NSwag.Generation.Processors;
using NSwag.Generation.Processors.Contexts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Idempotency;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>What is the same for all operations: the one form of every error, which statuses and headers there are by what an endpoint is, and whose alias it is.</summary>
sealed partial class ContractProcessor : IOperationProcessor
{
    /// <summary>The tag of the seeds' other paths.</summary>
    public const string Aliases = "Aliases";

    static readonly JsonSerializerOptions Wire = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    // What Kestrel reads of a request line and of all headers.
    const int LongestQuery = 8192, LongestHeader = 32768;

    public bool Process(OperationProcessorContext context)
    {
        var operation = context.OperationDescription.Operation;
        var metadata = ((AspNetCoreOperationProcessorContext)context).ApiDescription.ActionDescriptor.EndpointMetadata;
        operation.Summary ??= metadata.OfType<IEndpointSummaryMetadata>().LastOrDefault()?.Summary;
        operation.Description ??= metadata.OfType<IEndpointDescriptionMetadata>().LastOrDefault()?.Description;
        if (operation.RequestBody is { } body)
        {
            (body.Name, body.Position, body.Description) = (null, null, null);
            foreach (var file in body.Content.SelectMany(c => c.Value.Schema.ActualSchema.Properties.Values).Where(p => p.Format == JsonFormatStrings.Binary))
                file.MaxLength = (int?)metadata.OfType<LargestFile>().SingleOrDefault()?.Bytes ?? file.MaxLength;
        }
        DescribeParameters(context, metadata);
        DescribeResponses(context, metadata);
        AddHeaders(operation, context.OperationDescription.Method, metadata.OfType<Idempotent>().Any());
        if (OpenApiSetup.Slice(operation.OperationId) != operation.OperationId)
        {
            operation.Tags = [Aliases];
            operation.Summary += " (alias)";
            operation.Description = $"Alias of `{context.OperationDescription.Method.ToUpperInvariant()} {context.GetEndpointDefinition()!.Routes[0]}`. {operation.Description}";
        }
        return true;
    }

    static void DescribeParameters(OperationProcessorContext context, IList<object> metadata)
    {
        // The library leaves out what stands between two parameters of one segment.
        var route = ((AspNetCoreOperationProcessorContext)context).ApiDescription.RelativePath!;
        var positive = new HashSet<string>();
        context.OperationDescription.Path = "/" + Constraint().Replace(route, match =>
        {
            if (match.Groups[2].Value.Contains("min(1)", StringComparison.Ordinal))
                positive.Add(match.Groups[1].Value);
            return $"{{{match.Groups[1].Value}}}";
        });
        foreach (var parameter in context.OperationDescription.Operation.Parameters.Where(p => p.Kind is OpenApiParameterKind.Path or OpenApiParameterKind.Query))
        {
            (parameter.Position, parameter.OriginalName, parameter.Schema.IsNullableRaw) = (null, null, null);
            if (positive.Contains(parameter.Name))
                parameter.Schema.Minimum = 1;
            if (metadata.OfType<DescribedParameter>().SingleOrDefault(d => d.Name == parameter.Name) is { } described)
            {
                parameter.Description = described.Description;
                described.Limit?.Invoke(parameter.Schema);
            }
            MemberSchemas.Bound(parameter.Schema, LongestQuery);
        }
    }

    static void DescribeResponses(OperationProcessorContext context, IList<object> metadata)
    {
        var (operation, endpoint) = (context.OperationDescription.Operation, context.GetEndpointDefinition());
        var plain = metadata.OfType<ResponseExample>().ToDictionary(e => e.Status);
        var declared = operation.Responses.Where(r => r.Key != "403" || endpoint?.EndpointSummary?.Responses.ContainsKey(403) is true).ToDictionary();
        operation.Responses.Clear();
        foreach (var status in Statuses(context, declared.Keys).Order())
        {
            var key = status.ToString(CultureInfo.InvariantCulture);
            var said = endpoint?.EndpointSummary?.Responses.GetValueOrDefault(status) ?? plain.GetValueOrDefault(status)?.Description;
            var example = endpoint?.EndpointSummary?.ResponseExamples.GetValueOrDefault(status) ?? plain.GetValueOrDefault(status)?.Value;
            if (status >= StatusCodes.Status400BadRequest)
                operation.Responses[key] = Error(context, status, said, example as Problem);
            else
                operation.Responses[key] = Success(declared[key], status, said, example, metadata);
        }
    }

    // Whatever it is: 400 for a host name that is not ours, 500 for a fault. A slice needs the database (503), and what it writes may find no room (507).
    static IEnumerable<int> Statuses(OperationProcessorContext context, IEnumerable<string> declared)
    {
        var (operation, endpoint) = (context.OperationDescription.Operation, context.GetEndpointDefinition());
        int[] body = operation.RequestBody is null ? [] : [408, 413, 415];
        int[] token = endpoint is { AnonymousVerbs: null } ? [401] : [];
        int[] slice = endpoint is null ? [] : [503];
        int[] writing = endpoint is null || context.OperationDescription.Method == OpenApiOperationMethod.Get ? [] : [507];
        return declared.Select(k => int.Parse(k, CultureInfo.InvariantCulture)).Concat(endpoint?.EndpointSummary?.Responses.Keys ?? Enumerable.Empty<int>())
            .Concat([400, 500, .. body, .. token, .. slice, .. writing]).Distinct();
    }

    static OpenApiResponse Success(OpenApiResponse response, int status, string? said, object? example, IList<object> metadata)
    {
        response.Description = said ?? (string.IsNullOrEmpty(response.Description) ? ReasonPhrases.GetReasonPhrase(status) : response.Description);
        if (status == StatusCodes.Status304NotModified)
            response.Content.Clear();
        // A file has no type of ours.
        var files = metadata.OfType<IProducesResponseTypeMetadata>().Where(p => p.StatusCode == status).SelectMany(p => p.ContentTypes).Where(t => !t.EndsWith("json", StringComparison.Ordinal));
        foreach (var type in files)
            response.Content[type] = new() { Schema = new() { Type = JsonObjectType.String, Format = JsonFormatStrings.Binary, MaxLength = int.MaxValue } };
        foreach (var media in response.Content.Values.Where(_ => example is not null))
            media.Example = Json(example!);
        return response;
    }

    // The sentence tells which of the status it is.
    static OpenApiResponse Error(OperationProcessorContext context, int status, string? said, Problem? example)
    {
        var error = ErrorCodes.All.FirstOrDefault(e => e.Status == status && e.Sentence == said) ?? ErrorCodes.OfStatus(status);
        var shown = Json(example ?? Problem.Example(error, sentence: said));
        var schema = new JsonSchema { Reference = context.SchemaGenerator.Generate(typeof(Problem), context.SchemaResolver).ActualSchema };
        return new() { Description = said ?? error.Sentence, Content = { [Problems.ContentType] = new() { Schema = schema, Example = shown } } };
    }

    // As the wire writes it: the library's own serializer knows nothing of members that are left out, nor of JSON as a value.
    static JToken Json(object value)
    {
        using var reader = new JsonTextReader(new StringReader(JsonSerializer.Serialize(value, Wire))) { DateParseHandling = DateParseHandling.None };
        return JToken.ReadFrom(reader);
    }

    static void AddHeaders(OpenApiOperation operation, string method, bool isIdempotent)
    {
        var changes = operation.Responses.ContainsKey("412");
        if (changes)
            Parameter(operation, "If-Match", "The `ETag` of the profile that is to be changed.", Text());
        var isTagged = operation.Responses.ContainsKey("304");
        if (isTagged)
            Parameter(operation, "If-None-Match", "The `ETag` of the answer that the client has.", Text());
        if (isIdempotent)
        {
            Parameter(operation, IdempotencyKeys.Header,
                "Yours, random, one for each thing to be done: sent again within 24 hours with the same body, the request has the same answer and no second effect.",
                Text("^[ -~]+$", IdempotencyKeys.LongestKey, 1));
        }
        foreach (var (status, response) in operation.Responses)
        {
            if (status == "201")
                Header(response, "Location", "Where the caller's own profile is.", Text(format: "uri-reference"));
            if (status == "304" || (status == "200" && (isTagged || changes)))
                Header(response, "ETag", "Another one after every change.", Text("^\"[0-9a-f]{32}\"$"));
            if (isTagged && status is "200" or "304")
                Header(response, "Cache-Control", "Whether and for how long the answer may be kept.", Text());
            if (isIdempotent && status[0] == '2')
                Header(response, IdempotencyKeys.Replayed, "There when this is the answer to an earlier request with the key.", Text("^true$"));
            if (status == "401")
                Header(response, "WWW-Authenticate", "The challenge (RFC 6750).", Text("^Bearer"));
            if (status == "415" && method == OpenApiOperationMethod.Patch)
                Header(response, "Accept-Patch", "The media type that a patch has (RFC 5789).", Text());
            if (status is "429" or "503")
                Header(response, "Retry-After", "Seconds to wait.", new() { Type = JsonObjectType.Integer, Format = JsonFormatStrings.Integer, Minimum = 1, Maximum = 3600 });
        }
    }

    static JsonSchema Text(string? pattern = null, int longest = LongestHeader, int? shortest = null, string? format = null) =>
        new() { Type = JsonObjectType.String, Format = format, Pattern = pattern, MinLength = shortest, MaxLength = longest };

    static void Header(OpenApiResponse response, string name, string description, JsonSchema schema) =>
        response.Headers[name] = new() { Description = description, Schema = schema };

    static void Parameter(OpenApiOperation operation, string name, string description, JsonSchema schema) =>
        operation.Parameters.Add(new() { Name = name, Kind = OpenApiParameterKind.Header, Description = description, Schema = schema });

    [GeneratedRegex(@"\{(\w+):([^}]*)\}")]
    private static partial Regex Constraint();
}
