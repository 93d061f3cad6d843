using NetVips;
using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Benchmarks;

/// <summary>
/// A 12-megapixel image that is as costly to decode as a phone's: a test scene, enlarged, with detail of every size, at quality 90 with
/// 4:2:0 subsampling.
/// </summary>
static class Photo
{
    const int Width = 4032, Height = 3024;

    // Detail of each size, in steps of 255: gives a file of about 3.5 MB, like a phone's, and a stored image of about 110 kB.
    const double Contrast = 5;

    public static byte[] Make()
    {
        Vips.Start();
        using var scene = Image.JpegloadBuffer(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "large.jpg")));
        using var enlarged = scene.ThumbnailImage(Width, Height, crop: Enums.Interesting.Centre);
        var pixels = enlarged.WriteToMemory<byte>();
        // Fixed random numbers keep figures of different days comparable.
        var random = new Random(1);
        var light = new float[Width * Height];
        // Equal amounts of every size, as in nature; single pixels are sensor noise.
        for (var size = 1; size <= 64; size *= 2)
            AddDetail(light, size, random);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)Math.Clamp(pixels[i] + light[i / 3], 0, 255);
        using var noisy = Image.NewFromMemory(pixels, Width, Height, bands: 3, Enums.BandFormat.Uchar);
        using var coloured = noisy.Copy(interpretation: Enums.Interpretation.Srgb);
        return coloured.JpegsaveBuffer(90, subsampleMode: Enums.ForeignSubsample.On, keep: Enums.ForeignKeep.None);
    }

    static void AddDetail(float[] light, int size, Random random)
    {
        // Interpolates between the raster points, which makes blobs that blend into each other.
        var across = (Width / size) + 2;
        var raster = new float[across * ((Height / size) + 2)];
        for (var i = 0; i < raster.Length; i++)
            raster[i] = (float)(2 * Contrast * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5));
        for (var y = 0; y < Height; y++)
        {
            var down = (float)(y % size) / size;
            for (var x = 0; x < Width; x++)
            {
                var (at, right) = ((y / size * across) + (x / size), (float)(x % size) / size);
                light[(y * Width) + x] += float.Lerp(float.Lerp(raster[at], raster[at + 1], right),
                    float.Lerp(raster[at + across], raster[at + across + 1], right), down);
            }
        }
    }
}
