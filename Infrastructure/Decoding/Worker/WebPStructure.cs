using System.Buffers.Binary;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>The chunks of a WebP after its header of 12 bytes: type, length, content, and a padding byte when the length is odd.</summary>
static class WebPStructure
{
    const int Header = 12, Frame = 8;

    /// <summary>Returns the image up to its last chunk, with the header's size corrected: encoders get it wrong or append bytes.</summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        ReadOnlySpan<byte> webp = buffer[..length];
        var (at, end) = (Header, Header);
        while (at + Frame <= length && !webp.Slice(at, 4).ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            var (isKnown, size) = (IsKnown(webp.Slice(at, 4)), BinaryPrimitives.ReadUInt32LittleEndian(webp[(at + 4)..]));
            if (size > length - at - Frame)
            {
                // A truncated chunk lacks pixels; an unknown type is no chunk but appended bytes.
                if (isKnown)
                    throw RefusedException.Invalid();
                break;
            }
            at += Frame + (int)size + (int)(size & 1);
            end = isKnown ? at : end;
        }
        if (end == Header)
            throw RefusedException.Invalid();
        // Only the padding byte may be missing.
        if (end > length)
            buffer[length] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(buffer[4..], end - 8);
        return buffer[..end];
    }

    static bool IsKnown(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("VP8 "u8) || type.SequenceEqual("VP8L"u8) || type.SequenceEqual("VP8X"u8)
        || type.SequenceEqual("ALPH"u8) || type.SequenceEqual("ANIM"u8)
        || type.SequenceEqual("ANMF"u8) || type.SequenceEqual("ICCP"u8) || type.SequenceEqual("EXIF"u8) || type.SequenceEqual("XMP "u8);
}
