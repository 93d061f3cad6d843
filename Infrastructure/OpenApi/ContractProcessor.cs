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
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using JsonSerializer = System.Text.Json.JsonSerializer;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Describes what all operations share: the form of errors, the statuses that follow from the kind of endpoint, and which operation
/// is an alias of which.
/// </summary>
sealed partial class ContractProcessor : IOperationProcessor
{
    /// <summary>The tag of the further paths of slices.</summary>
    public const string Aliases = "Aliases";

    // Kestrel's limit for a request line.
    const int LongestQuery = 8192;

    static readonly JsonSerializerOptions Wire = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public bool Process(OperationProcessorContext context)
    {
        var operation = context.OperationDescription.Operation;
        var metadata = Description(context).ActionDescriptor.EndpointMetadata;
        operation.Summary ??= metadata.OfType<IEndpointSummaryMetadata>().LastOrDefault()?.Summary;
        operation.Description ??= metadata.OfType<IEndpointDescriptionMetadata>().LastOrDefault()?.Description;
        var admin = metadata.OfType<AdminEndpointAttribute>().SingleOrDefault();
        if (admin is not null)
            operation.Description += $" Needs the scope `{admin.Scope}`.";
        if (metadata.OfType<FreshLogin>().SingleOrDefault() is { } fresh)
        {
            operation.Description += " Needs a login of the last ten minutes (401, `insufficient_user_authentication`, RFC 9470)"
                + (fresh.OfEverybody ? ", with the second factor if there is one." : " where there is a second factor.");
        }
        if (metadata.OfType<OptionalToken>().Any())
            operation.Security = [[], new() { ["Bearer"] = [] }];
        DescribeParameters(context, metadata);
        if (operation.RequestBody is { } body)
            DescribeBody(body, metadata);
        DescribeResponses(context, metadata, isAdmin: admin is not null);
        ContractHeaders.Add(operation, context.OperationDescription.Method, [.. metadata.OfType<DescribedHeader>()]);
        if (OpenApiSetup.Slice(operation.OperationId) != operation.OperationId)
        {
            var own = $"{context.OperationDescription.Method.ToUpperInvariant()} {context.GetEndpointDefinition()!.Routes[0]}";
            operation.Tags = [Aliases];
            operation.Summary += " (alias)";
            operation.Description = $"Alias of `{own}`. {operation.Description}";
        }
        return true;
    }

    static void DescribeParameters(OperationProcessorContext context, IList<object> metadata)
    {
        foreach (var query in metadata.OfType<DescribedParameter>().Where(d => d.IsQuery))
        {
            context.OperationDescription.Operation.Parameters.Add(
                new() { Name = query.Name, Kind = OpenApiParameterKind.Query, Schema = new JsonSchema() });
        }
        // The library loses the text between two parameters of one segment.
        var positive = new HashSet<string>();
        context.OperationDescription.Path = "/" + Constraint().Replace(Description(context).RelativePath!, match =>
        {
            if (match.Groups[2].Value.Contains("min(1)", StringComparison.Ordinal))
                positive.Add(match.Groups[1].Value);
            return $"{{{match.Groups[1].Value}}}";
        });
        foreach (var parameter in context.OperationDescription.Operation.Parameters.Where(p => p.Kind != OpenApiParameterKind.Body))
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

    static void DescribeBody(OpenApiRequestBody body, IList<object> metadata)
    {
        (body.Name, body.Position, body.Description) = (null, null, null);
        if (metadata.OfType<LargestFile>().SingleOrDefault() is not { Bytes: <= int.MaxValue and var most })
            return;
        foreach (var member in body.Content.SelectMany(c => c.Value.Schema.ActualSchema.Properties.Values))
            member.MaxLength = member.Format == JsonFormatStrings.Binary ? (int)most : member.MaxLength;
    }

    static void DescribeResponses(OperationProcessorContext context, IList<object> metadata, bool isAdmin)
    {
        var responses = context.OperationDescription.Operation.Responses;
        var summary = context.GetEndpointDefinition()?.EndpointSummary;
        var examples = metadata.OfType<ResponseExample>().ToDictionary(e => e.Status);
        // The library adds 403 to every route that needs a token; only some answer it.
        var declared = responses.Where(r => r.Key != "403" || summary?.Responses.ContainsKey(403) is true).ToDictionary();
        responses.Clear();
        int[] ofAdmin = isAdmin ? [403, 429] : [];
        foreach (var status in Statuses(context, declared.Keys, ofAdmin.Concat(summary?.Responses.Keys ?? Enumerable.Empty<int>())).Order())
        {
            var key = status.ToString(CultureInfo.InvariantCulture);
            var description = summary?.Responses.GetValueOrDefault(status) ?? examples.GetValueOrDefault(status)?.Description
                ?? (isAdmin ? ErrorOfAdmin(status)?.Sentence : null);
            var example = summary?.ResponseExamples.GetValueOrDefault(status) ?? examples.GetValueOrDefault(status)?.Value;
            responses[key] = status >= StatusCodes.Status400BadRequest
                ? Error(context, status, description, example as Problem)
                : Success(declared[key], status, description, example, metadata);
        }
    }

    static ErrorCode? ErrorOfAdmin(int status) => status switch
    {
        401 => ErrorCodes.InvalidAdminKey,
        403 => ErrorCodes.InsufficientScope,
        _ => null,
    };

    // Every operation has 400, for a host name that is not allowed, and 500, for an unexpected error. A slice needs the database (503), and
    // one that writes may find its disk full (507).
    static IEnumerable<int> Statuses(OperationProcessorContext context, IEnumerable<string> declared, IEnumerable<int> described)
    {
        var endpoint = context.GetEndpointDefinition();
        int[] body = context.OperationDescription.Operation.RequestBody is null ? [] : [408, 413, 415];
        int[] token = endpoint is { AnonymousVerbs: null } ? [401] : [];
        int[] slice = endpoint is null ? [] : [503];
        int[] writing = endpoint is null || context.OperationDescription.Method == OpenApiOperationMethod.Get ? [] : [507];
        return declared.Select(k => int.Parse(k, CultureInfo.InvariantCulture)).Concat(described)
            .Concat([400, 500, .. body, .. token, .. slice, .. writing]).Distinct();
    }

    static OpenApiResponse Success(
        OpenApiResponse response, int status, string? description, object? example, IList<object> metadata)
    {
        response.Description = description ?? ReasonPhrases.GetReasonPhrase(status);
        if (status == StatusCodes.Status304NotModified)
            response.Content.Clear();
        // A file has no schema that the library could generate.
        var types = metadata.OfType<IProducesResponseTypeMetadata>().Where(p => p.StatusCode == status).SelectMany(p => p.ContentTypes);
        foreach (var type in types.Where(t => !t.EndsWith("json", StringComparison.Ordinal)))
        {
            var file = new JsonSchema { Type = JsonObjectType.String, Format = JsonFormatStrings.Binary, MaxLength = int.MaxValue };
            response.Content[type] = new() { Schema = file };
        }
        foreach (var media in response.Content.Values.Where(_ => example is not null))
            media.Example = Json(example!);
        return response;
    }

    // The description identifies the error among those with the same status.
    static OpenApiResponse Error(OperationProcessorContext context, int status, string? description, Problem? example)
    {
        var error = ErrorCodes.All.FirstOrDefault(e => e.Status == status && e.Sentence == description) ?? ErrorCodes.OfStatus(status);
        var media = new OpenApiMediaType
        {
            Schema = new() { Reference = context.SchemaGenerator.Generate(typeof(Problem), context.SchemaResolver).ActualSchema },
            Example = Json(example ?? Problem.Example(error, sentence: description)),
        };
        return new() { Description = description ?? error.Sentence, Content = { [Problems.ContentType] = media } };
    }

    // As the service writes it: the library's own serializer knows neither members that are left out nor JSON as a value.
    static JToken Json(object value)
    {
        using var text = new StringReader(JsonSerializer.Serialize(value, Wire));
        using var reader = new JsonTextReader(text) { DateParseHandling = DateParseHandling.None };
        return JToken.ReadFrom(reader);
    }

    static Microsoft.AspNetCore.Mvc.ApiExplorer.ApiDescription Description(OperationProcessorContext context) =>
        ((AspNetCoreOperationProcessorContext)context).ApiDescription;

    [GeneratedRegex(@"\{(\w+):([^}]*)\}")]
    private static partial Regex Constraint();
}
