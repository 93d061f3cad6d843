using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using ImageMagick;
using Microsoft.Win32.SafeHandles;
using NetVips;

namespace Profiles.Infrastructure.Decoding.Worker;

/// <summary>
/// Reads one HEIC with Magick.NET, whose libheif has an HEVC decoder and turns the image upright. ImageMagick is loaded for the first HEIC,
/// and policy.xml lets it read nothing else.
/// </summary>
sealed partial class HeicReader : IDisposable
{
    // Red, green, blue and alpha, of 8 bits each.
    const int MostBands = 4;

    static readonly MagickReadSettings UnderPolicy = Start();

    // The first member, so that Start runs before ImageMagick is used: it reads its policy only once.
    readonly MagickReadSettings settings = UnderPolicy;
    readonly string path;
    readonly SafeFileHandle file;
    MagickImage? image;
    IUnsafePixelCollection<byte>? pixels;

    /// <summary>Copies the whole file.</summary>
    public HeicReader(ReadOnlySpan<byte> heic)
    {
        (path, file) = OperatingSystem.IsLinux() ? InMemory() : OnDisk();
        try
        {
            RandomAccess.Write(file, heic, fileOffset: 0);
        }
        catch (IOException)
        {
            Dispose();
            throw;
        }
        if (!OperatingSystem.IsLinux())
            file.Dispose();
    }

    /// <summary>Reads the size of the upright primary image from the header.</summary>
    /// <exception cref="MagickException">The file is not a HEIC, or damaged.</exception>
    public (int Width, int Height) Size()
    {
        var header = new MagickImageInfo(path, settings);
        return (checked((int)header.Width), checked((int)header.Height));
    }

    /// <summary>
    /// Decodes the primary image with its embedded colour profile. The pixels are valid until the reader is disposed.
    /// </summary>
    /// <param name="maxPixels">The most pixels that it may have.</param>
    /// <exception cref="MagickException">The image is damaged, or memory runs out.</exception>
    public Image Decode(long maxPixels)
    {
        ResourceLimits.Area = (ulong)maxPixels;
        ResourceLimits.Memory = (ulong)maxPixels * MostBands;
        image = new MagickImage(path, settings);
        pixels = image.GetPixelsUnsafe();
        using var bare = Image.NewFromMemory(
            pixels.GetAreaPointer(0, 0, image.Width, image.Height), (ulong)image.Width * image.Height * image.ChannelCount,
            (int)image.Width, (int)image.Height, (int)image.ChannelCount, Enums.BandFormat.Uchar);
        using var coloured = bare.Copy(interpretation: image.ChannelCount < 3 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        return coloured.Mutate(i =>
        {
            if (image.GetColorProfile() is { } profile)
                i.Set(GValue.BlobType, "icc-profile-data", profile.ToByteArray());
        });
    }

    public void Dispose()
    {
        pixels?.Dispose();
        image?.Dispose();
        file.Dispose();
        if (!OperatingSystem.IsLinux())
            File.Delete(path);
    }

    static MagickReadSettings Start()
    {
        MagickNET.SetEnvironmentVariable("MAGICK_CONFIGURE_PATH", Path.Combine(AppContext.BaseDirectory, "magick"));
        MagickNET.Initialize();
        try
        {
            using var other = new MagickImage("P6 1 1 255 \0\0\0"u8, new MagickReadSettings { Format = MagickFormat.Ppm });
        }
        catch (MagickPolicyErrorException)
        {
            return new() { Format = MagickFormat.Heic, FrameIndex = 0, FrameCount = 1 };
        }
        throw new InvalidOperationException("ImageMagick does not obey its policy.");
    }

    // ImageMagick opens a HEIC only by path: an anonymous file in memory, which disappears with its descriptor.
    [SupportedOSPlatform("linux")]
    static (string, SafeFileHandle) InMemory()
    {
        var file = memfd_create("heic", CloseOnExec);
        return file >= 0
            ? ($"/proc/self/fd/{file}", new SafeFileHandle(file, ownsHandle: true))
            : throw new InvalidOperationException($"The system refuses memfd_create (error {Marshal.GetLastPInvokeError()}).");
    }

    static (string, SafeFileHandle) OnDisk()
    {
        var path = Path.Combine(Path.GetTempPath(), $"profiles-{Guid.NewGuid():N}");
        return (path, File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write));
    }

    const uint CloseOnExec = 1;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
