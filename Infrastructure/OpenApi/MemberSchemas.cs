using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Namotion.Reflection;
using NJsonSchema;
using NJsonSchema.Generation;
using Profiles.Infrastructure.Json;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Marks the members of requests and answers that are always present, and bounds those that neither a rule nor an attribute bounds: clients
/// size their buffers by it, and security scanners ask for it.
/// </summary>
sealed class MemberSchemas : ISchemaProcessor
{
    /// <summary>The limit of an answer's text without one of its own; tokens and addresses are shorter.</summary>
    public const int LongestText = 4096;

    // RFC 3339, with as many fractional digits as anybody writes.
    const int LongestDate = 10, LongestTime = 40;

    const int MostItems = 1000;

    public void Process(SchemaProcessorContext context)
    {
        var oneMember = context.ContextualType.Type.GetCustomAttribute<OneMemberAttribute>();
        var isRequest = context.ContextualType.Type.Name.EndsWith("Request", StringComparison.Ordinal);
        foreach (var property in context.ContextualType.Properties)
        {
            var attributes = property.PropertyInfo.GetCustomAttributes().ToArray();
            var name = attributes.OfType<JsonPropertyNameAttribute>().SingleOrDefault()?.Name
                ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            if (!context.Schema.Properties.TryGetValue(name, out var schema))
                continue;
            var isLeftOut = attributes.OfType<JsonIgnoreAttribute>().SingleOrDefault()?.Condition == JsonIgnoreCondition.WhenWritingNull;
            // A request requires what its type does; an answer has all its members, null for no value.
            var isOptional = property.PropertyInfo.PropertyType.IsAssignableTo(typeof(IOptional));
            schema.IsRequired = isRequest ? !isOptional && property.Nullability != Nullability.Nullable : !isLeftOut;
            schema.IsNullableRaw ??= isOptional ? true : null;
            if (isLeftOut || oneMember is not null || schema.IsNullableRaw is false)
                schema.IsNullableRaw = null;
            // A rule that a member is not empty holds where it is sent.
            if (isRequest && !isOptional && oneMember is null && property.Nullability == Nullability.Nullable)
                schema.IsNullableRaw = true;
            // A nullable reference needs a type (OpenAPI 3.0.3).
            if (schema.IsNullableRaw is true && schema.OneOf.Count > 0)
                schema.Type = JsonObjectType.Object;
            if (attributes.OfType<DataTypeAttribute>().Any(a => a.DataType == DataType.Password))
                schema.Format = "password";
            foreach (var value in attributes.OfType<AllowedValuesAttribute>().SelectMany(a => a.Values))
                (schema.AdditionalPropertiesSchema ?? schema).Enumeration.Add(value);
            if (oneMember is not null)
                (oneMember.OrMore ? context.Schema.AnyOf : context.Schema.OneOf).Add(new() { RequiredProperties = { schema.Name } });
            Bound(schema, isRequest ? StrictJson.MaxBodyBytes : LongestText);
        }
    }

    /// <summary>Sets the limits that a schema lacks.</summary>
    public static void Bound(JsonSchema schema, int longestText)
    {
        foreach (var inner in new[] { schema.Item, schema.AdditionalPropertiesSchema }.OfType<JsonSchema>().Where(s => !s.HasReference))
            Bound(inner, longestText);
        if (schema.Type.HasFlag(JsonObjectType.String) && schema.Enumeration.Count == 0)
        {
            schema.MaxLength ??= schema.Format switch
            {
                JsonFormatStrings.Binary => int.MaxValue,
                JsonFormatStrings.Date => LongestDate,
                JsonFormatStrings.DateTime => LongestTime,
                _ => longestText,
            };
        }
        if (schema.Type.HasFlag(JsonObjectType.Array))
            schema.MaxItems = schema.MaxItems > 0 ? schema.MaxItems : MostItems;
        if (schema.Type.HasFlag(JsonObjectType.Integer))
        {
            schema.Minimum ??= 0;
            schema.Maximum ??= schema.Format == JsonFormatStrings.Long ? long.MaxValue : int.MaxValue;
        }
    }
}
