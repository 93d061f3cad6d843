using System.Text.Json;
using System.Text.Json.Nodes;

namespace Profiles.Infrastructure.Editing;

/// <summary>JSON Merge Patch (RFC 7396): null removes a member, absent members stay, objects merge, other values replace.</summary>
static class MergePatch
{
    /// <summary>Returns the patched value; changes <paramref name="target"/> itself when it is an object. Null is JSON's null.</summary>
    public static JsonNode? Apply(JsonNode? target, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
            return JsonSerializer.SerializeToNode(patch);
        var merged = target as JsonObject ?? [];
        foreach (var member in patch.EnumerateObject())
        {
            var present = merged[member.Name];
            if (member.Value.ValueKind == JsonValueKind.Null)
                merged.Remove(member.Name);
            else if (Apply(present, member.Value) is var value && !ReferenceEquals(value, present))
                merged[member.Name] = value;
        }
        return merged;
    }
}
