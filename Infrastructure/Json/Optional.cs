using System.Text.Json;
using System.Text.Json.Serialization;

namespace Profiles.Infrastructure.Json;

/// <summary>What all <see cref="Optional{T}"/> have.</summary>
interface IOptional
{
    /// <summary>Whether the member was sent, be it as null.</summary>
    bool IsSent { get; }

    /// <summary>Whether the member was sent as null.</summary>
    bool IsNull { get; }
}

/// <summary>A member of a JSON object that tells absent from null, as JSON Merge Patch does (RFC 7396). Absent is the default.</summary>
[JsonConverter(typeof(OptionalConverter))]
readonly struct Optional<T> : IOptional
{
    // Null stands for JSON's null.
    public Optional(T? value, bool isNull = false) => (Value, IsSent, IsNull) = (value, true, isNull);

    public bool IsSent { get; }

    public bool IsNull { get; }

    public bool HasValue => IsSent && !IsNull;

    /// <summary>The default of its type where none was sent.</summary>
    public T? Value { get; }

    /// <summary>What a change makes of a field: the current value where the member is absent, the type's default for null, else what is read from it.</summary>
    public TField? Or<TField>(TField? current, Func<T, TField?> read) => !IsSent ? current : IsNull ? default : read(Value!);
}

/// <summary>Reads <see cref="Optional{T}"/> as its value.</summary>
sealed class OptionalConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Optional<>);

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    sealed class Of<T> : JsonConverter<Optional<T>>
    {
        public override bool HandleNull => true;

        // By its converter and not by the serializer, whose exceptions would have the path within the value alone.
        public override Optional<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null
                ? new(default, isNull: true) : new(((JsonConverter<T>)options.GetConverter(typeof(T))).Read(ref reader, typeof(T), options));

        public override void Write(Utf8JsonWriter writer, Optional<T> value, JsonSerializerOptions options) =>
            throw new NotSupportedException("Only requests have optional members.");
    }
}
