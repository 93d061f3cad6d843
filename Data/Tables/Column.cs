using System.Data.Common;
using System.Globalization;
using System.Text.Json;

namespace Profiles.Data.Tables;

/// <summary>A column of a <see cref="Table"/>. A value is null, a long, a bool, a string, bytes, a UTC time or a date.</summary>
/// <param name="Name">Its name in both databases.</param>
/// <param name="Type">The type of its values, without null.</param>
sealed record Column(string Name, Type Type)
{
    const string DateFormat = "yyyy-MM-dd";

    public object? Read(DbDataReader row, int index) => row.IsDBNull(index) ? null
        : Type == typeof(long) ? row.GetInt64(index)
        : Type == typeof(bool) ? row.GetBoolean(index)
        : Type == typeof(string) ? row.GetString(index)
        : Type == typeof(byte[]) ? row.GetFieldValue<byte[]>(index)
        : Type == typeof(DateTime) ? ProfilesDbContext.ToStored(row.GetDateTime(index))
        : Type == typeof(DateOnly) ? row.GetFieldValue<DateOnly>(index)
        : throw Unknown();

    /// <summary>Writes a value in the one form that it has: times as microseconds since 1970, bytes in Base64.</summary>
    public static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case byte[] bytes:
                json.WriteBase64StringValue(bytes);
                break;
            case DateTime time:
                json.WriteNumberValue((time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
                break;
            case DateOnly date:
                json.WriteStringValue(date.ToString(DateFormat, CultureInfo.InvariantCulture));
                break;
            default:
                throw new NotSupportedException($"A column has the type {value.GetType()}.");
        }
    }

    /// <summary>Reads what <see cref="Write"/> has written; throws what the reader throws.</summary>
    public object? Read(ref Utf8JsonReader json) => json.TokenType == JsonTokenType.Null ? null
        : Type == typeof(long) ? json.GetInt64()
        : Type == typeof(bool) ? json.GetBoolean()
        : Type == typeof(string) ? json.GetString()
        : Type == typeof(byte[]) ? json.GetBytesFromBase64()
        : Type == typeof(DateTime) ? DateTime.UnixEpoch.AddTicks(checked(json.GetInt64() * TimeSpan.TicksPerMicrosecond))
        : Type == typeof(DateOnly) ? DateOnly.ParseExact(json.GetString()!, DateFormat, CultureInfo.InvariantCulture)
        : throw Unknown();

    NotSupportedException Unknown() => new($"The column {Name} has the type {Type}.");
}
