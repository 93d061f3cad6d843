using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Profiles.Data.Tables;

namespace Profiles.Infrastructure.Backup;

/// <summary>Rows as lines of JSON, which are the same whatever database they come from.</summary>
sealed class RowText
{
    static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    readonly ArrayBufferWriter<byte> buffer = new();

    public ReadOnlyMemory<byte> Lines => buffer.WrittenMemory;

    public void Add(object?[] row)
    {
        using (var json = new Utf8JsonWriter(buffer, Options))
            Table.Write(json, row);
        buffer.Write("\n"u8);
    }

    public void Clear() => buffer.ResetWrittenCount();
}
