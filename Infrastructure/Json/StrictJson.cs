using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation.Results;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace Profiles.Infrastructure.Json;

/// <summary>
/// The service's JSON: snake_case; duplicate members, invalid UTF-8 and wrong types are refused by name (RFC 8259).
/// </summary>
static class StrictJson
{
    /// <summary>Far more than any request needs.</summary>
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

    /// <summary>
    /// Reads a request's body. Throws <see cref="JsonException"/> for invalid JSON and <see cref="BadHttpRequestException"/> 413 for too
    /// much.
    /// </summary>
    public static async ValueTask<object?> ReadAsync(HttpRequest request, Type type, JsonSerializerContext? context, CancellationToken ct)
    {
        var body = await ReadBoundedAsync(request, ct);
        // Proxies drop the body of a DELETE; its validator reports what is missing.
        if (WithoutByteOrderMark(body).IsEmpty && HttpMethods.IsDelete(request.Method))
            body = "{}"u8.ToArray();
        var options = request.HttpContext.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        return Parse(body, type, options);
    }

    /// <summary>Reads an object. Throws <see cref="JsonException"/> for invalid JSON.</summary>
    public static object Parse(ReadOnlySpan<byte> text, Type type, JsonSerializerOptions options)
    {
        var json = WithoutByteOrderMark(text);
        try
        {
            Utf8.GetCharCount(json);
            JsonMembers.Check(json, options.GetTypeInfo(type));
            return JsonSerializer.Deserialize(json, type, options) ?? throw new JsonException("A JSON object is expected.");
        }
        catch (Exception e) when (e is DecoderFallbackException or InvalidOperationException)
        {
            // Invalid UTF-8, and escaped lone surrogates, which UTF-8 cannot encode.
            throw new JsonException("The text is not valid Unicode.", e);
        }
    }

    /// <summary>Explains invalid JSON to the client, without the serializer's text.</summary>
    public static ValidationFailure Explain(JsonException error)
    {
        var hasField = error.Path is ['$', '.', _, ..] && error.InnerException is not JsonException;
        var field = hasField ? error.Path![2..] : "";
        return field.Length > 0 && error.InnerException is null or InvalidOperationException
            ? Problems.Failure(field, ErrorCodes.WrongType, $"The value of {field} has the wrong type or is not valid text.")
            : Problems.Failure("", ErrorCodes.MalformedJson);
    }

    // A byte order mark may be ignored (RFC 8259, 8.1).
    static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> body) =>
        body.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    static async Task<byte[]> ReadBoundedAsync(HttpRequest request, CancellationToken ct)
    {
        using var body = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, ct)) > 0)
        {
            if (body.Length + read > MaxBodyBytes)
                throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
