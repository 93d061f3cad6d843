using System.Buffers.Binary;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// The markers of a JPEG (ITU-T T.81, annex B): FF and a code, most with a segment that says its own length. The pixels after a scan's
/// header do not say theirs; in them FF stands only before 00, before a restart marker (D0 to D7), or before the next marker.
/// </summary>
static class JpegStructure
{
    // A progressive photo has about 10. Every scan goes over all pixels: 5,000 in 900 kB cost more than a minute.
    const int MostScans = 100;

    // A photo has a few hundred at most. The decoder keeps them in a list that it walks for each: millions of empty ones cost minutes.
    const int MostSegments = 4000;

    const int MostComponents = 4;

    const byte Fill = 0xFF, End = 0xD9, Scan = 0xDA, Comment = 0xFE, Jfif = 0xE0, Adobe = 0xEE;

    const byte Progressive = 0xC2, ProgressiveArithmetic = 0xCA;

    /// <summary>
    /// Keeps the first image, its tables, its EXIF, its profile and its colour coding. Repairs what decoders warn of though every pixel is
    /// there: the parameters of the scan of an image that has only one (Samsung's cameras), unknown versions and colour codes, bytes
    /// between segments, and a missing end.
    /// </summary>
    public static Span<byte> Repair(Span<byte> buffer, int length)
    {
        ReadOnlySpan<byte> jpeg = buffer[..length];
        var (at, kept, scans, segments) = (2, 2, 0, 0);
        var frame = new JpegFrame();
        while (NextMarker(jpeg, at) is { } found)
        {
            var (marker, behind) = found;
            if (marker == End)
                return WithEnd(buffer, kept);
            if (behind + 2 > length
                || BinaryPrimitives.ReadUInt16BigEndian(jpeg[behind..]) is var size && (size < 2 || behind + size > length))
                throw RefusedException.Invalid();
            var segment = buffer.Slice(behind, size);
            if (marker == Scan && ++scans > MostScans)
                throw RefusedException.Invalid();
            at = marker == Scan ? EndOfScan(jpeg, behind + size) : behind + size;
            if (!IsKept(marker))
                continue;
            if (++segments > MostSegments)
                throw RefusedException.Invalid();
            RepairSegment(marker, segment[2..], frame);
            (buffer[kept], buffer[kept + 1]) = (Fill, marker);
            buffer[behind..at].CopyTo(buffer[(kept + 2)..]);
            kept += 2 + at - behind;
        }
        // Cut off between two scans, it would look whole to the decoder.
        return scans > 0 && frame.IsWhole ? WithEnd(buffer, kept) : throw RefusedException.Invalid();
    }

    // Others, such as a maker's own and previews, are decoded by nobody here.
    static bool IsKept(byte marker) => marker is not (Comment or (>= Jfif + 3 and <= 0xEF and not Adobe));

    static Span<byte> WithEnd(Span<byte> buffer, int kept)
    {
        // FF may stand before a marker any number of times.
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
            // 1 is brightness and difference, 2 the same with black: what is taken for an unknown code.
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

    // The next marker with a segment, or the end, and where its segment begins; what stands before it is passed over.
    static (byte Marker, int Behind)? NextMarker(ReadOnlySpan<byte> jpeg, int at)
    {
        while (at < jpeg.Length && jpeg[at..].IndexOf(Fill) is >= 0 and var skip)
        {
            at += skip;
            while (at < jpeg.Length && jpeg[at] == Fill)
                at++;
            // 01 has no segment either; taken for one, it would hide scans from the count that the decoder sees.
            if (at < jpeg.Length && jpeg[at] is var marker && marker is not (0x00 or 0x01 or (>= 0xD0 and <= 0xD8)))
                return (marker, at + 1);
        }
        return null;
    }

    // Where the marker behind a scan's pixels begins.
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
