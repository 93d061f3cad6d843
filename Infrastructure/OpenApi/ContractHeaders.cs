using NJsonSchema;
using NSwag;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Describes the headers of an operation's request and of its answers.</summary>
static class ContractHeaders
{
    // Kestrel's limit for all headers.
    const int LongestHeader = 32768;

    public static void Add(OpenApiOperation operation, string method, IReadOnlyList<DescribedHeader> described)
    {
        var (isConditional, isTagged) = (operation.Responses.ContainsKey("412"), operation.Responses.ContainsKey("304"));
        if (isConditional)
            Parameter(operation, "If-Match", "The `ETag` of the profile to change.", Text());
        if (isTagged)
            Parameter(operation, "If-None-Match", "The `ETag` of the answer that the client has.", Text());
        foreach (var header in described.Where(d => !d.IsAnswered))
            Parameter(operation, header.Name, header.Description, Limited(header));
        foreach (var (status, response) in operation.Responses)
        {
            if (status == "201")
                Header(response, "Location", "Where the caller's own profile is.", Text(format: "uri-reference"));
            if (status == "304" || (status == "200" && (isTagged || isConditional)))
                Header(response, "ETag", "Changes with every change of the profile.", Text("^\"[0-9a-f]{32}\"$"));
            if (isTagged && status is "200" or "304")
                Header(response, "Cache-Control", "Whether and for how long the answer may be cached.", Text());
            foreach (var header in described.Where(d => d.IsAnswered && status[0] == '2'))
                Header(response, header.Name, header.Description, Limited(header), isRequired: false);
            if (status == "401")
                Header(response, "WWW-Authenticate", "The challenge (RFC 6750).", Text("^Bearer"));
            if (status == "415" && method == OpenApiOperationMethod.Patch)
                Header(response, "Accept-Patch", "The accepted media type of a patch (RFC 5789).", Text());
            if (status is "429" or "503")
                Header(response, "Retry-After", "Seconds to wait before a retry.", Seconds());
        }
    }

    static JsonSchema Text(string? pattern = null, string? format = null) =>
        new() { Type = JsonObjectType.String, Format = format, Pattern = pattern, MaxLength = LongestHeader };

    static JsonSchema Limited(DescribedHeader header)
    {
        var schema = Text();
        header.Limit(schema);
        return schema;
    }

    // The longest window is an hour, and the clock of the instance that began it may be ahead.
    static JsonSchema Seconds() => new() { Type = JsonObjectType.Integer, Format = JsonFormatStrings.Integer, Minimum = 1, Maximum = 7200 };

    static void Header(OpenApiResponse response, string name, string description, JsonSchema schema, bool isRequired = true) =>
        response.Headers[name] = new() { Description = description, IsRequired = isRequired, Schema = schema };

    static void Parameter(OpenApiOperation operation, string name, string description, JsonSchema schema) =>
        operation.Parameters.Add(new() { Name = name, Kind = OpenApiParameterKind.Header, Description = description, Schema = schema });
}
