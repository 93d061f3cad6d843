using System.Text.Json;
using System.Text.Json.Nodes;

namespace Profiles.Infrastructure.Editing;

/// <summary>Converts a profile's metadata to the stored text, which is JSON without white space and needless escapes, and back.</summary>
static class MetadataText
{
    static readonly JsonSerializerOptions Compact = new() { Encoder = new PlainJsonEncoder() };

    public static JsonElement? Read(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);

    public static string Write(JsonElement metadata) => JsonSerializer.Serialize(metadata, Compact);

    /// <summary>Applies a merge patch (RFC 7396) to the text.</summary>
    public static string Merge(string? text, JsonElement patch) =>
        MergePatch.Apply(text is null ? null : JsonNode.Parse(text), patch)!.ToJsonString(Compact);

    /// <summary>Returns why this is not valid metadata, or null. The length is checked on the text.</summary>
    public static string? Objection(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
            return "Metadata is a JSON object.";
        try
        {
            return HasNul(metadata) ? "Metadata has no NUL characters." : null;
        }
        catch (InvalidOperationException)
        {
            // The parser leaves escaped lone surrogates unread until here.
            return "The text is not valid Unicode.";
        }
    }

    // The recursion is bounded by the JSON reader's maximum depth.
    static bool HasNul(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(m => m.Name.Contains('\0') || HasNul(m.Value)),
        JsonValueKind.Array => value.EnumerateArray().Any(HasNul),
        JsonValueKind.String => value.GetString()!.Contains('\0'),
        _ => false,
    };
}
