using System.Net;
using System.Text.RegularExpressions;
using NJsonSchema;
using NSwag;

namespace Profiles.Tests;

/// <summary>
/// Fails a request whose answer differs from the API documents in status, media type, body or headers. Passes on paths and methods that
/// neither document contains.
/// </summary>
sealed partial class DocumentedAnswers : DelegatingHandler
{
    static readonly string[] Files = ["openapi.v1.json", "openapi.admin.json"];

    static readonly Lazy<(Regex Path, OpenApiPathItem Methods)[]> Document = new(Read);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var operation = Find(request.Method, request.RequestUri!);
        var response = await base.SendAsync(request, cancellationToken);
        // The server refuses too large headers before it knows the operation.
        if (operation is null || response.StatusCode == HttpStatusCode.RequestHeaderFieldsTooLarge)
            return response;
        var differences = await DifferencesAsync(operation, response);
        if (differences.Length > 0)
        {
            var answer = $"{operation.OperationId} answers {(int)response.StatusCode}";
            throw new ShouldAssertException($"{answer} differs from the API document: {string.Join("; ", differences)}");
        }
        return response;
    }

    static OpenApiOperation? Find(HttpMethod method, Uri address) => Document.Value
        .FirstOrDefault(d => d.Path.IsMatch(address.AbsolutePath)).Methods?.GetValueOrDefault(method.Method.ToLowerInvariant());

    static async Task<string[]> DifferencesAsync(OpenApiOperation operation, HttpResponseMessage response)
    {
        if (!operation.Responses.TryGetValue($"{(int)response.StatusCode}", out var documented))
            return [$"the status is not one of {string.Join(", ", operation.Responses.Keys)}"];
        var headers = documented.Headers.SelectMany(h => Differences(h.Key, h.Value, response));
        var mediaType = response.Content.Headers.ContentType?.MediaType;
        if (mediaType is null ? documented.Content.Count > 0 : !documented.Content.ContainsKey(mediaType))
            return [.. headers, $"{mediaType ?? "no media type"} is not one of {string.Join(", ", documented.Content.Keys)}"];
        // The document calls an image a string, of any bytes.
        if (mediaType is null || documented.Content[mediaType].Schema is not { Format: not JsonFormatStrings.Binary } schema)
            return [.. headers];
        var body = await response.Content.ReadAsStringAsync();
        // A schema counts characters; the library counts UTF-16 code units.
        var characters = SurrogatePair().Replace(body, "?");
        return [.. headers, .. schema.Validate(characters, SchemaType.OpenApi3).Select(e => $"{e.Path} {e.Kind} in {body}")];
    }

    static IEnumerable<string> Differences(string name, OpenApiHeader header, HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues(name, out var values))
            return header.IsRequired ? [$"{name} is missing"] : [];
        var value = string.Join(", ", values);
        var json = header.Schema.Type == JsonObjectType.String ? Newtonsoft.Json.JsonConvert.ToString(value) : value;
        return header.Schema.Validate(json, SchemaType.OpenApi3).Select(e => $"{name}: {value} is {e.Kind}");
    }

    static (Regex Path, OpenApiPathItem Methods)[] Read()
    {
        var folder = Path.Combine(ArchitectureTests.Repository(), "Tests", "Infrastructure", "OpenApi");
        var documents = Files
            .Select(f => OpenApiDocument.FromFileAsync(Path.Combine(folder, f)).GetAwaiter().GetResult()).ToArray();
        // An undocumented member is a mistake in the answer or in the document.
        foreach (var schema in documents.SelectMany(d => d.Components.Schemas.Values).Where(s => s.Properties.Count > 0))
            schema.AllowAdditionalProperties = false;
        // A literal path wins over one with parameters.
        return [.. documents.SelectMany(d => d.Paths).OrderBy(p => p.Key.Contains('{'))
            .Select(p => (Pattern(p.Key, p.Value.Values.First()), p.Value))];
    }

    static Regex Pattern(string path, OpenApiOperation operation)
    {
        var pattern = path.Replace(".", "\\.");
        foreach (var parameter in operation.ActualParameters.Where(p => p.Kind == OpenApiParameterKind.Path))
        {
            var value = parameter.ActualSchema.Type == JsonObjectType.Integer ? "[1-9][0-9]*" : "[^/]+";
            pattern = pattern.Replace($"{{{parameter.Name}}}", value);
        }
        return new($"^{pattern}/?$", RegexOptions.IgnoreCase);
    }

    [GeneratedRegex(@"[\uD800-\uDBFF][\uDC00-\uDFFF]|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w")]
    private static partial Regex SurrogatePair();
}
