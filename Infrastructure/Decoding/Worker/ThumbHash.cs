namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Encodes a small opaque image as a ThumbHash (Evan Wallace's public algorithm): about 25 bytes from which a client draws a blurred
/// preview before the image arrives.
/// </summary>
static class ThumbHash
{
    /// <summary>The longest side of an image to encode, in pixels; a larger image would not improve the hash.</summary>
    public const int LongestSide = 100;

    const int LuminanceTerms = 7;

    /// <summary>Returns the hash of <paramref name="rgb"/>, three bytes for each pixel, line by line.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is longer than <see cref="LongestSide"/>.</exception>
    public static byte[] Encode(int width, int height, ReadOnlySpan<byte> rgb)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Math.Max(width, height), LongestSide);
        var pixels = width * height;
        var (luminance, yellowBlue, redGreen) = (new double[pixels], new double[pixels], new double[pixels]);
        for (var i = 0; i < pixels; i++)
        {
            var (r, g, b) = (rgb[i * 3] / 255.0, rgb[(i * 3) + 1] / 255.0, rgb[(i * 3) + 2] / 255.0);
            luminance[i] = (r + g + b) / 3;
            yellowBlue[i] = ((r + g) / 2) - b;
            redGreen[i] = r - g;
        }

        var longest = (double)Math.Max(width, height);
        var across = Math.Max(1, Round(LuminanceTerms * width / longest));
        var down = Math.Max(1, Round(LuminanceTerms * height / longest));
        var l = Channel.Transform(luminance, width, height, Math.Max(3, across), Math.Max(3, down));
        var p = Channel.Transform(yellowBlue, width, height, 3, 3);
        var q = Channel.Transform(redGreen, width, height, 3, 3);

        var landscape = width > height;
        var first = Round(63 * l.Mean) | (Round(31.5 + (31.5 * p.Mean)) << 6) | (Round(31.5 + (31.5 * q.Mean)) << 12)
            | (Round(31 * l.Scale) << 18);
        var second = (landscape ? down : across) | (Round(63 * p.Scale) << 3) | (Round(63 * q.Scale) << 9) | (landscape ? 1 << 15 : 0);
        double[] terms = [.. l.Terms, .. p.Terms, .. q.Terms];
        var packed = new byte[(terms.Length + 1) / 2];
        byte[] hash = [(byte)first, (byte)(first >> 8), (byte)(first >> 16), (byte)second, (byte)(second >> 8), .. packed];
        for (var i = 0; i < terms.Length; i++)
            hash[5 + (i / 2)] |= (byte)(Round(15 * terms[i]) << (i % 2 * 4));
        return hash;
    }

    // Rounds halves up, as the reference does; .NET rounds them to even.
    static int Round(double value) => (int)Math.Floor(value + 0.5);

    // A discrete cosine transform: the mean, and the low frequencies relative to the strongest of them.
    readonly record struct Channel(double Mean, double[] Terms, double Scale)
    {
        public static Channel Transform(double[] values, int width, int height, int across, int down)
        {
            var (mean, scale) = (0.0, 0.0);
            List<double> terms = [];
            var wave = new double[width];
            for (var cy = 0; cy < down; cy++)
            {
                for (var cx = 0; cx * down < across * (down - cy); cx++)
                {
                    for (var x = 0; x < width; x++)
                        wave[x] = Math.Cos(Math.PI / width * cx * (x + 0.5));
                    var sum = 0.0;
                    for (var y = 0; y < height; y++)
                    {
                        var line = Math.Cos(Math.PI / height * cy * (y + 0.5));
                        for (var x = 0; x < width; x++)
                            sum += values[x + (y * width)] * wave[x] * line;
                    }
                    sum /= width * height;
                    if (cx == 0 && cy == 0)
                    {
                        mean = sum;
                        continue;
                    }
                    terms.Add(sum);
                    scale = Math.Max(scale, Math.Abs(sum));
                }
            }
            return new(mean, [.. terms.Select(t => scale == 0 ? t : 0.5 + (0.5 / scale * t))], scale);
        }
    }
}
