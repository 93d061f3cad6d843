using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation.Results;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Profiles.Infrastructure.Json;

/// <summary>JSON as clients write and read it: snake_case; duplicate members, invalid UTF-8 and wrong types are refused by name (RFC 8259, contract).</summary>
static class StrictJson
{
    /// <summary>Far more than any request needs, in bytes.</summary>
    public const int MaxBodyBytes = 64 * 1024;

    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void Configure(JsonOptions options)
    {
        var json = options.SerializerOptions;
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.PropertyNameCaseInsensitive = false;
        json.AllowDuplicateProperties = false;
        json.RespectNullableAnnotations = true;
        json.NumberHandling = JsonNumberHandling.Strict;
        json.MaxDepth = 16;
    }

    /// <summary>Reads a request's body. Throws <see cref="JsonException"/> for text that is not such JSON, <see cref="BadHttpRequestException"/> 413.</summary>
    public static async ValueTask<object?> ReadAsync(HttpRequest request, Type type, JsonSerializerContext? context, CancellationToken ct)
    {
        var body = WithoutMark(await ReadBoundedAsync(request, ct));
        // Proxies drop the body of a DELETE: its validator says what is missing.
        if (body.IsEmpty && HttpMethods.IsDelete(request.Method))
            body = "{}"u8.ToArray();
        var options = request.HttpContext.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        try
        {
            Utf8.GetCharCount(body.Span);
            JsonMembers.Check(body.Span, options.GetTypeInfo(type));
            return JsonSerializer.Deserialize(body.Span, type, options) ?? throw new JsonException("A JSON object is expected.");
        }
        catch (Exception e) when (e is DecoderFallbackException or InvalidOperationException)
        {
            // Broken UTF-8, and escapes of lone surrogates, which no UTF-8 can hold.
            throw new JsonException("The text is not valid Unicode.", e);
        }
    }

    /// <summary>Says what was wrong with the JSON, in the client's words and not in the serializer's.</summary>
    public static ValidationFailure Explain(JsonException error)
    {
        var field = error.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) && error.InnerException is not JsonException ? path[2..] : "";
        return field.Length > 0 && error.InnerException is null or InvalidOperationException
            ? Problems.Failure(field, ErrorCodes.WrongType, $"The value of {field} has the wrong type or is not valid text.")
            : Problems.Failure("", ErrorCodes.MalformedJson);
    }

    // A byte order mark may be passed over (RFC 8259, 8.1).
    static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> body) => body.Span.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    static async Task<byte[]> ReadBoundedAsync(HttpRequest request, CancellationToken ct)
    {
        using var body = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, ct)) > 0)
        {
            if (body.Length + read > MaxBodyBytes)
                throw new BadHttpRequestException("Too large.", StatusCodes.Status413PayloadTooLarge);
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
