using NetVips;
using Profiles.Infrastructure.Decoding.Worker;

namespace Profiles.Benchmarks;

/// <summary>
/// An image of 12 megapixels that costs a decoder what a phone's does: a scene of the tests enlarged, with detail of every size, of quality
/// 90, its colours at half the size.
/// </summary>
static class Photo
{
    const int Width = 4032, Height = 3024;

    // In steps of 255, of detail of each size; makes a file of about 3.5 MB of it, as a phone's are, and of about 110 kB when it is stored.
    const double Contrast = 5;

    public static byte[] Make()
    {
        Vips.Start();
        using var scene = Image.JpegloadBuffer(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "large.jpg")));
        using var enlarged = scene.ThumbnailImage(Width, Height, crop: Enums.Interesting.Centre);
        var pixels = enlarged.WriteToMemory<byte>();
        // Always the same detail: figures of different days are of the same image.
        var random = new Random(1);
        var light = new float[Width * Height];
        // As much of each size as of any other, as in nature. Of single pixels it is a sensor's noise.
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
        // Blobs that run into each other: what is between the points of a raster is between their values too.
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
