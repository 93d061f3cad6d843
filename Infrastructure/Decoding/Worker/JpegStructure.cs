using System.Buffers.Binary;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// The markers of a JPEG (ITU-T T.81, annex B): FF and a code, most with a segment that starts with its length. The pixels after a scan's
/// header have no length; in them, FF occurs only before 00, a restart marker (D0 to D7) or the next marker.
/// </summary>
static class JpegStructure
{
    // A progressive photo has about 10. Every scan covers all pixels: 5,000 in 900 kB take more than a minute.
    const int MostScans = 100;

    // A photo has a few hundred at most. The decoder walks a list of them for each: millions of empty ones take minutes.
    const int MostSegments = 4000;

    const int MostComponents = 4;

    const byte Fill = 0xFF, End = 0xD9, Scan = 0xDA, Comment = 0xFE, Jfif = 0xE0, Adobe = 0xEE;

    const byte Progressive = 0xC2, ProgressiveArithmetic = 0xCA;

    /// <summary>
    /// Keeps the first image, its tables, EXIF, profile and colour coding. Repairs what decoders warn about although every pixel is there:
    /// the parameters of the only scan (Samsung's cameras), unknown versions and colour codes, bytes between segments, and a missing end.
    /// </summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        ReadOnlySpan<byte> jpeg = buffer[..length];
        var (at, kept, scans, segments) = (2, 2, 0, 0);
        var frame = new JpegFrame();
        while (NextMarker(jpeg, at) is { } found)
        {
            var (marker, after) = found;
            if (marker == End)
                return WithEnd(buffer, kept);
            if (after + 2 > length
                || BinaryPrimitives.ReadUInt16BigEndian(jpeg[after..]) is var size && (size < 2 || after + size > length))
                throw RefusedException.Invalid();
            var segment = buffer.Slice(after, size);
            if (marker == Scan && ++scans > MostScans)
                throw RefusedException.Invalid();
            at = marker == Scan ? EndOfScan(jpeg, after + size) : after + size;
            if (!IsKept(marker))
                continue;
            if (++segments > MostSegments)
                throw RefusedException.Invalid();
            RepairSegment(marker, segment[2..], frame);
            (buffer[kept], buffer[kept + 1]) = (Fill, marker);
            buffer[after..at].CopyTo(buffer[(kept + 2)..]);
            kept += 2 + at - after;
        }
        // An image truncated between two scans looks whole to the decoder.
        return scans > 0 && frame.IsWhole ? WithEnd(buffer, kept) : throw RefusedException.Invalid();
    }

    // Drops segments that nothing here decodes, such as comments, makers' notes and previews.
    static bool IsKept(byte marker) => marker is not (Comment or (>= Jfif + 3 and <= 0xEF and not Adobe));

    static Span<byte> WithEnd(Span<byte> buffer, int kept)
    {
        // Any number of FF may precede a marker.
        (buffer[kept], buffer[kept + 1]) = (Fill, End);
        return buffer[..(kept + 2)];
    }

    static void RepairSegment(byte marker, Span<byte> content, JpegFrame frame)
    {
        switch (marker)
        {
            case Jfif when content.Length >= 7 && content.StartsWith("JFIF\0"u8):
                content[5] = 1;
                break;
            // 1 is YCbCr, 2 is YCCK: decoders assume them for unknown codes.
            case Adobe when content.Length >= 12 && content.StartsWith("Adobe"u8) && content[11] > 2:
                content[11] = (byte)(frame.Components == MostComponents ? 2 : 1);
                break;
            case >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC):
                frame.Begin(content, marker is Progressive or ProgressiveArithmetic);
                break;
            case Scan when content.Length >= 4 && content.Length == 4 + (2 * content[0]):
                if (!frame.IsProgressive)
                    (content[^3], content[^2], content[^1]) = (0, 63, 0);
                frame.Add(content);
                break;
        }
    }

    // Returns the next marker that has a segment or ends the image, and where the marker ends; skips everything before it.
    static (byte Marker, int After)? NextMarker(ReadOnlySpan<byte> jpeg, int at)
    {
        while (at < jpeg.Length && jpeg[at..].IndexOf(Fill) is >= 0 and var skip)
        {
            at += skip;
            while (at < jpeg.Length && jpeg[at] == Fill)
                at++;
            // 01 has no segment either: reading one would hide scans that the decoder sees from the count.
            if (at < jpeg.Length && jpeg[at] is var marker && marker is not (0x00 or 0x01 or (>= 0xD0 and <= 0xD8)))
                return (marker, at + 1);
        }
        return null;
    }

    // Returns where the marker after a scan's pixels begins.
    static int EndOfScan(ReadOnlySpan<byte> jpeg, int at)
    {
        while (at < jpeg.Length && jpeg[at..].IndexOf(Fill) is >= 0 and var skip)
        {
            at += skip;
            var code = at;
            while (code < jpeg.Length && jpeg[code] == Fill)
                code++;
            if (code == jpeg.Length || jpeg[code] is not (0x00 or (>= 0xD0 and <= 0xD7)))
                return at;
            at = code + 1;
        }
        return jpeg.Length;
    }
}
