using System.Text.Json;
using System.Text.Json.Nodes;

namespace Profiles.Infrastructure.Editing;

/// <summary>The text that a profile's metadata is kept as: JSON without blanks, nothing escaped that need not be.</summary>
static class MetadataText
{
    static readonly JsonSerializerOptions Compact = new() { Encoder = new PlainJsonEncoder() };

    /// <summary>The object that the text is of.</summary>
    public static JsonElement? Read(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);

    public static string Write(JsonElement metadata) => JsonSerializer.Serialize(metadata, Compact);

    /// <summary>What a merge patch (RFC 7396) makes of the text.</summary>
    public static string Merge(string? text, JsonElement patch) =>
        MergePatch.Apply(text is null ? null : JsonNode.Parse(text), patch)!.ToJsonString(Compact);

    /// <summary>Why this cannot be metadata; null when it can. How long it may be is judged by the text.</summary>
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
            // Escapes of lone surrogates, which are read only here.
            return "The text is not valid Unicode.";
        }
    }

    // As deep as a body may be, no deeper.
    static bool HasNul(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(m => m.Name.Contains('\0') || HasNul(m.Value)),
        JsonValueKind.Array => value.EnumerateArray().Any(HasNul),
        JsonValueKind.String => value.GetString()!.Contains('\0'),
        _ => false,
    };
}
