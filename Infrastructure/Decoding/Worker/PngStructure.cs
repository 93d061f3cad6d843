using System.Buffers.Binary;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>The chunks of a PNG after its signature: length, type, content, checksum; the last is IEND.</summary>
static class PngStructure
{
    const int Signature = 8, Frame = 12;

    static ReadOnlySpan<byte> End => [0, 0, 0, 0, (byte)'I', (byte)'E', (byte)'N', (byte)'D', 0xAE, 0x42, 0x60, 0x82];

    /// <summary>
    /// Returns the image without text, of which 600 kB can unpack to 600 MB and which nothing here reads, and without bytes after its end.
    /// Adds an end where only that is missing after the pixels: decoding finds missing rows.
    /// </summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        var png = buffer[..length];
        var (at, kept, hasPixels) = (Signature, Signature, false);
        while (at + Frame <= length && BinaryPrimitives.ReadUInt32BigEndian(png[at..]) is var size && size <= length - at - Frame)
        {
            var chunk = png.Slice(at, Frame + (int)size);
            var type = chunk.Slice(4, 4);
            if (type.SequenceEqual("IEND"u8))
                break;
            // Not a chunk: bytes appended to the image.
            if (hasPixels && type.ContainsAnyExceptInRange((byte)'A', (byte)'z'))
                break;
            at += chunk.Length;
            if (type.SequenceEqual("zTXt"u8) || type.SequenceEqual("iTXt"u8) || type.SequenceEqual("tEXt"u8))
                continue;
            // Read before the copy, which may overwrite the type.
            hasPixels |= type.SequenceEqual("IDAT"u8);
            if (kept + chunk.Length < at)
                chunk.CopyTo(png[kept..]);
            kept += chunk.Length;
        }
        // A truncated chunk of pixels.
        if (!hasPixels
            || (at + 8 <= length && (png.Slice(at + 4, 4).SequenceEqual("IDAT"u8) || png.Slice(at + 4, 4).SequenceEqual("fdAT"u8))))
            throw RefusedException.Invalid();
        End.CopyTo(buffer[kept..]);
        return buffer[..(kept + End.Length)];
    }
}
