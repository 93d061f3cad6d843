using System.Runtime.InteropServices;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Benchmarks;

/// <summary>A picture of 12 megapixels that costs a decoder what a phone's does: a scene of the tests enlarged, with detail of every size, of quality 90, its colours at half the size.</summary>
static unsafe partial class Photo
{
    const int Width = 4032, Height = 3024;

    // In steps of 255, of detail of each size; makes a file of about 3.5 MB of it, as a phone's are, and of about 110 kB when it is stored.
    const double Contrast = 5;

    public static byte[] Make()
    {
        Vips.Start();
        var scene = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "large.jpg"));
        byte[] pixels;
        fixed (byte* bytes = scene)
        {
            using var source = Vips.OpenSource(bytes, scene.Length);
            using var image = Vips.Load("jpegload_source", source, "");
            using var enlarged = Vips.Apply("thumbnail_image", image, FormattableString.Invariant($"width={Width},height={Height},crop=centre"));
            pixels = Vips.Pixels(enlarged, out _, out _);
        }
        // Always the same detail: figures of different days are of the same picture.
        var random = new Random(1);
        var light = new float[Width * Height];
        // As much of each size as of any other, as in nature. Of single pixels it is a sensor's noise.
        for (var size = 1; size <= 64; size *= 2)
            AddDetail(light, size, random);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)Math.Clamp(pixels[i] + light[i / 3], 0, 255);
        fixed (byte* noisy = pixels)
        {
            using var image = vips_image_new_from_memory(noisy, (nuint)pixels.Length, Width, Height, bands: 3, format: 0);
            using var coloured = Vips.Apply("copy", image, "interpretation=srgb");
            return Vips.SaveJpeg(coloured, "Q=90,strip=true,subsample-mode=on");
        }
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
                light[(y * Width) + x] += float.Lerp(float.Lerp(raster[at], raster[at + 1], right), float.Lerp(raster[at + across], raster[at + across + 1], right), down);
            }
        }
    }

    [LibraryImport("libvips.so.42")]
    private static partial VipsObject vips_image_new_from_memory(void* pixels, nuint size, int width, int height, int bands, int format);
}
