using System.Globalization;
using System.Text.Json.Nodes;
using FastEndpoints;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Profiles.Data;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Idempotency;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>What an operation answers, whom and with which headers.</summary>
static class ContractOperations
{
    public const string Json = "application/json";

    // What Kestrel reads of a request line and of all headers.
    const int LongestQuery = 8192, LongestHeader = 32768, LongestKey = IdempotencyKeys.LongestKey;

    public static void Apply(OpenApiDocument document, ContractLimits limits, string path, HttpMethod method, OpenApiOperation operation, EndpointDefinition? endpoint)
    {
        // The generators add tags made of the path behind the slice's own.
        operation.Tags = operation.Tags?.Take(1).ToHashSet();
        if (endpoint is not null && endpoint.Routes[0] != path)
        {
            operation.Summary += " (alias)";
            operation.Description = $"Alias of `{method.Method} {endpoint.Routes[0]}`. {operation.Description}";
        }
        var isProtected = endpoint is { AnonymousVerbs: null };
        operation.Security = isProtected ? [new() { [new OpenApiSecuritySchemeReference(ContractDocument.BearerScheme, document)] = [] }] : [];
        operation.Responses ??= [];
        foreach (var example in operation.RequestBody?.Content?.Values.Select(m => m.Example).OfType<JsonObject>() ?? [])
            Mend(example, limits);
        foreach (var status in Statuses(operation, method, endpoint, isProtected))
            Describe(document, limits, operation, status, endpoint?.EndpointSummary?.Responses.GetValueOrDefault(status));
        if (!Forbids(endpoint))
            operation.Responses.Remove("403");
        if (operation.OperationId is "GetImage" or "GetImageVariant" && operation.Responses["200"] is OpenApiResponse picture)
            picture.Content = new Dictionary<string, OpenApiMediaType> { ["image/jpeg"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", MaxLength = int.MaxValue } } };
        if (operation.OperationId == "ExportMe" && operation.Responses["200"] is OpenApiResponse archive)
            archive.Content = new Dictionary<string, OpenApiMediaType> { ["application/zip"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", MaxLength = int.MaxValue } } };
        if (operation.Responses.TryGetValue("401", out var unauthorized))
            Header(unauthorized, "WWW-Authenticate", "The challenge (RFC 6750).", ContractSchemas.Text(LongestHeader, pattern: "^Bearer"));
        if (operation.Responses.TryGetValue("415", out var unread) && method == HttpMethod.Patch)
            Header(unread, "Accept-Patch", "The media type that a patch has (RFC5789).", ContractSchemas.Text(LongestHeader));
        // The stand-in's generator sees no parameter of a route that the slice reads itself.
        if (path.Contains("{username}", StringComparison.Ordinal) && operation.Parameters?.Any(p => p.Name == "username") is not true)
            (operation.Parameters ??= []).Add(new OpenApiParameter { Name = "username", In = ParameterLocation.Path, Required = true });
        AddHeaders(operation);
    }

    /// <summary>An error's answer: the problem, with an example of it.</summary>
    /// <param name="document">The document.</param>
    /// <param name="status">The status.</param>
    /// <param name="meaning">When it is answered.</param>
    /// <param name="detail">The sentence that the service says.</param>
    /// <param name="field">The field that is refused.</param>
    public static OpenApiResponse Error(OpenApiDocument document, int status, string meaning, string detail, string? field = null)
    {
        var example = new JsonObject
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,
            ["detail"] = detail,
            ["code"] = CodeOf(status, detail),
            ["trace_id"] = "2911fcea3dc055945b32145e781e433c",
        };
        if (field is not null)
            (example["errors"], example["error_codes"]) = (new JsonObject { [field] = new JsonArray(detail) }, new JsonObject { [field] = new JsonArray(CodeOf(status, detail)) });
        var response = new OpenApiResponse
        {
            Description = meaning,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [Problems.ContentType] = new() { Schema = new OpenApiSchemaReference(ContractSchemas.Problem, document), Example = example },
            },
        };
        if (status is 429 or 503)
            Header(response, "Retry-After", "Seconds to wait.", new() { Type = JsonSchemaType.Integer, Format = "int32", Minimum = "1", Maximum = "3600" });
        return response;
    }

    // An absent field is no null on the wire; the seeds' password is as long as this service asks for.
    static void Mend(JsonObject example, ContractLimits limits)
    {
        foreach (var absent in example.Where(m => m.Value is null).Select(m => m.Key).ToArray())
            example.Remove(absent);
        if (example["password"]?.GetValue<string>() is { } password && password.Length < limits.PasswordLength)
            example["password"] = string.Concat(Enumerable.Repeat("1234567890", 7))[..limits.PasswordLength];
    }

    // Whatever it is: 400 for a host name that is not ours, 500 for a fault. A slice needs the database (503), and what it writes may find no room (507).
    static int[] Statuses(OpenApiOperation operation, HttpMethod method, EndpointDefinition? endpoint, bool isProtected)
    {
        var declared = operation.Responses!.Keys.Select(k => int.Parse(k, CultureInfo.InvariantCulture)).Concat(endpoint?.EndpointSummary?.Responses.Keys ?? Enumerable.Empty<int>());
        int[] body = operation.RequestBody is null ? [] : [408, 413, 415];
        int[] token = isProtected ? [401] : [];
        int[] slice = endpoint is null ? [] : [503];
        int[] writing = slice.Length > 0 && method != HttpMethod.Get ? [507] : [];
        return [.. declared.Concat([400, 500, .. body, .. token, .. slice, .. writing]).Distinct().Where(s => s != 403 || Forbids(endpoint))];
    }

    // The generators guess it of every route that needs a token; only some say it.
    static bool Forbids(EndpointDefinition? endpoint) => endpoint?.EndpointSummary?.Responses.ContainsKey(403) is true;

    static void Describe(OpenApiDocument document, ContractLimits limits, OpenApiOperation operation, int status, string? said)
    {
        var key = status.ToString(CultureInfo.InvariantCulture);
        if (status >= 400)
        {
            var (detail, field) = Example(OpenApiSetup.Slice(operation.OperationId!), status, limits);
            operation.Responses![key] = Error(document, status, said ?? ErrorCodes.OfStatus(status).Sentence, detail ?? said ?? ErrorCodes.OfStatus(status).Sentence, field);
        }
        else if (operation.Responses!.GetValueOrDefault(key) is OpenApiResponse success)
        {
            success.Description = said ?? ReasonPhrases.GetReasonPhrase(status);
            if (status == 304)
                success.Content = null;
        }
    }

    // The sentence tells which of the status it is.
    static string CodeOf(int status, string sentence) => (ErrorCodes.All.FirstOrDefault(e => e.Status == status && e.Sentence == sentence) ?? ErrorCodes.OfStatus(status)).Code;

    // Where the slices say more than their summary.
    static (string? Detail, string? Field) Example(string slice, int status, ContractLimits limits) => (slice, status) switch
    {
        ("Register", 400) => ("This is not an e-mail address.", "email"),
        ("Login", 400) => ("A password is needed.", "password"),
        ("DeleteMe", 400) => ("Your password is needed.", "password"),
        ("RefreshToken", 400) => ("A refresh token is needed.", "refresh_token"),
        ("UpdateMe", 400) => ("There is nothing to change: send a field of the profile.", null),
        ("PatchMe", 400) => ("A name is needed.", "name"),
        ("UpdateMe", 409) => ("Email already registered", null),
        ("PatchMe", 409) => ("Username already taken", null),
        ("UpdateMe" or "PatchMe", 412) => ("The profile has changed since: read it again.", null),
        ("ChangePassword", 400) => ("A password must not be the name of this service.", "new_password"),
        ("ForgotPassword", 400) => ("This is not an e-mail address.", "email"),
        ("UploadImage", 409) => ("The first request with this Idempotency-Key is under way.", null),
        ("UploadImage", 413) => ($"A picture has at most {limits.ImageBytes} bytes.", null),
        _ => default,
    };

    static void AddHeaders(OpenApiOperation operation)
    {
        var responses = operation.Responses!;
        if (responses.TryGetValue("201", out var created))
            Header(created, "Location", "Where the caller's own profile is.", ContractSchemas.Text(LongestHeader, format: "uri-reference"));
        if (responses.ContainsKey("304"))
            Parameter(operation, "If-None-Match", "The `ETag` of the answer that the client has.");
        if (responses.ContainsKey("422"))
            Parameter(operation, IdempotencyKeys.Header, "Yours, random, one for each thing to be done: sent again within 24 hours with the same body, the request has the same answer and no second effect.", LongestKey, "^[ -~]+$");
        if (responses.ContainsKey("412"))
            Parameter(operation, "If-Match", "The `ETag` of the profile that is to be changed.");
        foreach (var answer in responses.Where(r => r.Key is "304" || (r.Key is "200" && (responses.ContainsKey("304") || responses.ContainsKey("412")))))
        {
            Header(answer.Value, "ETag", "Another one after every change.", ContractSchemas.Text(LongestHeader, pattern: "^\"[0-9a-f]{32}\"$"));
            if (responses.ContainsKey("304"))
                Header(answer.Value, "Cache-Control", "Whether and for how long the answer may be kept.", ContractSchemas.Text(LongestHeader));
        }
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            (parameter.Schema, parameter.Description) = (parameter.In, parameter.Name) switch
            {
                (ParameterLocation.Path, "side") => (new() { Type = JsonSchemaType.Integer, Enum = [.. ProcessedImage.Sides.Select(s => (JsonNode)s)] }, "The side of the square, in pixels."),
                (ParameterLocation.Path, "id") => (ContractSchemas.Id(), "The session's id."),
                (ParameterLocation.Path, "username") => (ContractSchemas.Text(UserProfile.UsernameMaxLength, minLength: UserProfile.UsernameMinLength, pattern: $"^{ProfileFieldForms.UsernameForm}$"), "In any case."),
                (ParameterLocation.Path, _) => (ContractSchemas.Id(), "The user's id."),
                (ParameterLocation.Query, _) => (ContractSchemas.Text(LongestQuery), "The version in the profile's `image_url`."),
                _ => ((OpenApiSchema)parameter.Schema!, parameter.Description),
            };
        }
    }

    static void Header(IOpenApiResponse response, string name, string description, OpenApiSchema schema)
    {
        if (response is OpenApiResponse concrete)
            (concrete.Headers ??= new Dictionary<string, IOpenApiHeader>())[name] = new OpenApiHeader { Description = description, Schema = schema };
    }

    static void Parameter(OpenApiOperation operation, string name, string description, int longest = LongestHeader, string? pattern = null) =>
        (operation.Parameters ??= []).Add(new OpenApiParameter { Name = name, In = ParameterLocation.Header, Description = description, Schema = ContractSchemas.Text(longest, pattern: pattern, minLength: pattern is null ? null : 1) });
}
