using Namotion.Reflection;
using NJsonSchema;
using NJsonSchema.Generation.TypeMappers;
using Profiles.Infrastructure.Json;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Describes an <see cref="Optional{T}"/> as its value.</summary>
sealed class OptionalMapper : ITypeMapper
{
    public Type MappedType => typeof(Optional<>);

    public bool UseReference => false;

    public void GenerateSchema(JsonSchema schema, TypeMapperContext context) => context.JsonSchemaGenerator.Generate(
        schema, context.Type.GetGenericArguments()[0].ToContextualType(), context.JsonSchemaResolver);
}
