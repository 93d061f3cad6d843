using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Profiles.Infrastructure.Json;

/// <summary>Looks at the members that the serializer passes over: duplicates, lone surrogates and NUL are refused wherever they stand. One pass, as deep as a body may be.</summary>
static class JsonMembers
{
    /// <summary>Throws <see cref="JsonException"/> with the path of the outermost member at fault, and what <see cref="Utf8JsonReader"/> throws.</summary>
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
                            throw new JsonException("A member is there twice.", new JsonException());
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

        // What is known is judged by its own rule.
        void Refuse(string text, bool judged)
        {
            if (!judged && text.Contains('\0'))
                throw new JsonException("NUL.", $"$.{member}", null, null);
        }
    }
}
