using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Profiles.Infrastructure.Decoding.Worker.Protocol;

/// <summary>The kinds of frame that a worker sends.</summary>
public enum DecodeAnswer : byte
{
    /// <summary>The worker is ready; the body is a <see cref="WorkerGreeting"/>.</summary>
    Ready = 1,

    /// <summary>The worker cannot run here; the body is a sentence for the operator.</summary>
    CannotStart,

    /// <summary>The body is a <see cref="ProcessedImage"/>.</summary>
    Image,

    /// <summary>The image is damaged; the body is the decoder's message, for the log only.</summary>
    Invalid,

    /// <summary>The image needs more memory than there is; the body is the decoder's message, for the log only.</summary>
    OutOfMemory,

    /// <summary>The image has more pixels than are allowed.</summary>
    TooManyPixels,

    /// <summary>All frames of an animation together have more pixels than are allowed.</summary>
    TooManyPixelsInAllFrames,
}

/// <summary>A worker's first frame, which says that it is ready.</summary>
/// <param name="VipsVersion">The version of libvips.</param>
/// <param name="HasLandlock">Whether the kernel denies it all files but its own.</param>
public sealed record WorkerGreeting(string VipsVersion, bool HasLandlock);

/// <summary>The accepted formats.</summary>
public enum ImageFormat { Jpeg, Png, WebP, Gif, Heic, Avif }

/// <summary>The header of a request to a worker; the image's bytes follow.</summary>
public readonly record struct DecodeRequest(ImageFormat Format, int Length, long MaxPixels, int MaxSide)
{
    public const int Size = 20;

    // Only the first frame is decoded; an animation with more pixels than this is a bomb.
    const int AllFrames = 10;

    /// <summary>The most pixels of all frames of an animation together.</summary>
    public long MaxPixelsOfAllFrames => Math.Min(MaxPixels, long.MaxValue / AllFrames) * AllFrames;

    public void Write(Span<byte> frame)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, (int)Format);
        BinaryPrimitives.WriteInt32LittleEndian(frame[4..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame[8..], MaxPixels);
        BinaryPrimitives.WriteInt32LittleEndian(frame[16..], MaxSide);
    }

    public static DecodeRequest Read(ReadOnlySpan<byte> frame) => new(
        (ImageFormat)BinaryPrimitives.ReadInt32LittleEndian(frame), BinaryPrimitives.ReadInt32LittleEndian(frame[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(frame[8..]), BinaryPrimitives.ReadInt32LittleEndian(frame[16..]));
}

/// <summary>
/// A worker's message to the service: the kind, the body's length, the body. The service checks everything, since an image may have taken
/// the worker over.
/// </summary>
public static class DecodeFrame
{
    public const int HeaderSize = 5;

    const int LongestThumbHash = 64;

    public static byte[] Make(DecodeAnswer answer, ReadOnlySpan<byte> body)
    {
        var frame = new byte[HeaderSize + body.Length];
        frame[0] = (byte)answer;
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(1), body.Length);
        body.CopyTo(frame.AsSpan(HeaderSize));
        return frame;
    }

    public static byte[] Make(DecodeAnswer answer, string text) => Make(answer, Encoding.UTF8.GetBytes(text));

    /// <summary>Reads the kind of a frame and the length of its body.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a frame's header.</exception>
    public static (DecodeAnswer Answer, int Length) ReadHeader(ReadOnlySpan<byte> header, int maxSide)
    {
        // A JPEG is not larger than its pixels, and the squares are smaller than the image.
        var longest = (6 * maxSide * maxSide) + (1024 * 1024);
        var (answer, length) = ((DecodeAnswer)header[0], BinaryPrimitives.ReadInt32LittleEndian(header[1..]));
        return Enum.IsDefined(answer) && length >= 0 && length <= longest
            ? (answer, length) : throw new InvalidDataException("A worker sent an invalid frame.");
    }

    public static byte[] Write(WorkerGreeting greeting) =>
        Make(DecodeAnswer.Ready, string.Create(CultureInfo.InvariantCulture, $"{greeting.VipsVersion}\n{greeting.HasLandlock}"));

    public static WorkerGreeting ReadGreeting(byte[] body) => Encoding.UTF8.GetString(body).Split('\n') is [var vips, var landlock]
        ? new(vips, bool.Parse(landlock)) : throw new InvalidDataException("A worker sent an invalid greeting.");

    public static byte[] Write(ProcessedImage image)
    {
        using var body = new MemoryStream();
        using var writer = new BinaryWriter(body);
        writer.Write(image.Width);
        writer.Write(image.Height);
        writer.Write(image.DominantColor);
        foreach (var part in (byte[][])[image.ThumbHash, image.Jpeg, .. image.Variants])
        {
            writer.Write(part.Length);
            writer.Write(part);
        }
        return Make(DecodeAnswer.Image, body.ToArray());
    }

    /// <exception cref="InvalidDataException">The body is not an image of at most this side with its variants.</exception>
    public static ProcessedImage ReadImage(byte[] body, int maxSide)
    {
        using var reader = new BinaryReader(new MemoryStream(body));
        try
        {
            var (width, height, color) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadString());
            var hash = Part();
            var jpeg = Part();
            var variants = ProcessedImage.Sides.Select(_ => Part()).ToArray();
            var isValid = width >= 1 && width <= maxSide && height >= 1 && height <= maxSide
                && color.Length == 7 && color[0] == '#' && color.Skip(1).All(char.IsAsciiHexDigitLower)
                && hash.Length <= LongestThumbHash
                && variants.Append(jpeg).All(IsJpeg) && reader.BaseStream.Position == body.Length;
            return isValid
                ? new(jpeg, width, height, hash, color, variants) : throw new InvalidDataException("A worker sent an invalid image.");
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException("A worker sent an incomplete image.", e);
        }

        byte[] Part() => reader.ReadInt32() is >= 0 and var length && length <= body.Length
            && reader.ReadBytes(length) is { } part && part.Length == length
            ? part : throw new InvalidDataException("A worker sent an incomplete image.");
    }

    static bool IsJpeg(byte[] bytes) => bytes is [0xFF, 0xD8, 0xFF, .., 0xFF, 0xD9];
}
