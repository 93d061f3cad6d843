using System.Text.Json;
using System.Text.Json.Serialization;

namespace Profiles.Infrastructure.Json;

/// <summary>The part of <see cref="Optional{T}"/> that does not depend on its type.</summary>
interface IOptional
{
    /// <summary>Whether the member was sent, also as null.</summary>
    bool IsSent { get; }

    /// <summary>Whether the member was sent as null.</summary>
    bool IsNull { get; }
}

/// <summary>A JSON member that distinguishes absent from null, as JSON Merge Patch does (RFC 7396). The default is absent.</summary>
[JsonConverter(typeof(OptionalConverter))]
readonly struct Optional<T> : IOptional
{
    public Optional(T? value, bool isNull = false) => (Value, IsSent, IsNull) = (value, true, isNull);

    public bool IsSent { get; }

    public bool IsNull { get; }

    public bool HasValue => IsSent && !IsNull;

    /// <summary>The type's default when none was sent.</summary>
    public T? Value { get; }

    /// <summary>
    /// The field after a change: its current value when the member is absent, the type's default for null, else the sent value.
    /// </summary>
    public TField? Or<TField>(TField? current, Func<T, TField?> read) =>
        !IsSent ? current : IsNull ? default : read(Value!);
}

/// <summary>Reads an <see cref="Optional{T}"/> from its value.</summary>
sealed class OptionalConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Optional<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    sealed class Of<T> : JsonConverter<Optional<T>>
    {
        public override bool HandleNull => true;

        // With the type's converter and not the serializer, whose exceptions would only have the path within the value.
        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null
                ? new(default, isNull: true)
                : new(((JsonConverter<T>)options.GetConverter(typeof(T))).Read(ref reader, typeof(T), options));

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options) =>
            throw new NotSupportedException("Only requests have optional members.");
    }
}
