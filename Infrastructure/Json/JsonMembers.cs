using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Profiles.Infrastructure.Json;

/// <summary>
/// Refuses duplicate names, lone surrogates and NUL anywhere in the JSON, members that the serializer ignores included. One pass, to the
/// maximum depth of a body.
/// </summary>
static class JsonMembers
{
    /// <summary>
    /// Throws <see cref="JsonException"/> with the path of the outermost invalid member, and whatever <see cref="Utf8JsonReader"/> throws.
    /// </summary>
    public static void Check(ReadOnlySpan<byte> json, JsonTypeInfo type)
    {
        var reader = new Utf8JsonReader(json, new() { MaxDepth = type.Options.MaxDepth });
        var names = new HashSet<string>[type.Options.MaxDepth];
        var (member, isKnown) = ("", false);
        while (reader.Read())
        {
            try
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject:
                        names[reader.CurrentDepth] = new(StringComparer.Ordinal);
                        break;
                    case JsonTokenType.PropertyName:
                        var name = reader.GetString()!;
                        if (reader.CurrentDepth == 1)
                            (member, isKnown) = ("", type.Properties.Any(p => p.Name == name));
                        if (!names[reader.CurrentDepth - 1].Add(name))
                            throw new JsonException("A member occurs twice.", new JsonException());
                        Refuse(name, isKnown);
                        if (reader.CurrentDepth == 1)
                            member = name;
                        break;
                    case JsonTokenType.String:
                        Refuse(reader.GetString()!, isKnown);
                        break;
                }
            }
            catch (InvalidOperationException e) when (member.Length > 0)
            {
                throw new JsonException("An escape of a lone surrogate.", $"$.{member}", null, null, e);
            }
        }

        // Known members have rules of their own.
        void Refuse(string text, bool hasRule)
        {
            if (!hasRule && text.Contains('\0'))
                throw new JsonException("NUL.", $"$.{member}", null, null);
        }
    }
}
