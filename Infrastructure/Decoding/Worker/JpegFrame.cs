namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>Tracks which coefficients of a JPEG its scans have delivered, and how many of their bits (ITU-T T.81, G.1.1).</summary>
sealed class JpegFrame
{
    const int Coefficients = 64;

    const sbyte Nothing = -1;

    // For each component, the missing bits of each coefficient.
    readonly Dictionary<byte, sbyte[]> missing = [];

    public bool IsProgressive { get; private set; }

    public int Components => missing.Count;

    /// <summary>Whether all bits of all coefficients are present.</summary>
    public bool IsWhole => missing.Count > 0 && missing.Values.All(bits => bits.All(b => b == 0));

    /// <summary>Reads a frame's header: precision, height, width, the number of components, and three bytes for each.</summary>
    public void Begin(ReadOnlySpan<byte> header, bool progressive)
    {
        IsProgressive = progressive;
        for (var at = 6; at + 3 <= header.Length; at += 3)
        {
            var bits = missing[header[at]] = new sbyte[Coefficients];
            bits.AsSpan().Fill(Nothing);
        }
    }

    /// <summary>
    /// Reads a scan's header: the number of components, two bytes for each, the first and last coefficient, and the bits before and after.
    /// </summary>
    public void Add(ReadOnlySpan<byte> header)
    {
        var (first, last, bits) = (header[^3], Math.Min(header[^2], (byte)(Coefficients - 1)), (sbyte)(header[^1] & 0x0F));
        for (var at = 1; at + 3 < header.Length; at += 2)
        {
            if (missing.TryGetValue(header[at], out var of) && first <= last)
                of.AsSpan(first..(last + 1)).Fill(bits);
        }
    }
}
