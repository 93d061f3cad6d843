using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Profiles.Infrastructure.Decoding;

/// <summary>What a worker says.</summary>
enum DecodeAnswer : byte
{
    /// <summary>It is ready; the body is <see cref="WorkerGreeting"/>.</summary>
    Ready = 1,

    /// <summary>It cannot work; the body is a sentence for whoever starts the service.</summary>
    Unfit,

    /// <summary>The body is a <see cref="ProcessedImage"/>.</summary>
    Picture,

    /// <summary>The body is what the decoder said of it: for the log, never for the client.</summary>
    Invalid,

    /// <summary>There was not memory enough; the body is what the decoder said of it, for the log.</summary>
    OutOfMemory,

    /// <summary>More pixels than one picture may have.</summary>
    TooManyPixels,

    /// <summary>More pixels than all frames of an animation may have.</summary>
    TooManyPixelsInAllFrames,
}

/// <summary>What a worker says of itself when it is ready.</summary>
/// <param name="Vips">The version of libvips.</param>
/// <param name="ClosedFiles">Whether the kernel keeps it from files that are not its own (Landlock).</param>
sealed record WorkerGreeting(string Vips, bool ClosedFiles);

/// <summary>A picture for a worker; its bytes follow.</summary>
readonly record struct DecodeRequest(ImageFormat Format, int Length, long MaxPixels, int MaxSide)
{
    public const int Size = 20;

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
/// What goes over the pipe from a worker to the service: the kind, the length, the body. The service believes no more of it than it checks,
/// since a picture may have taken the worker over.
/// </summary>
static class DecodeFrame
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

    /// <summary>The kind of a frame and the length of its body.</summary>
    /// <exception cref="InvalidDataException">A worker in its right mind would not send it.</exception>
    public static (DecodeAnswer Answer, int Length) ReadHeader(ReadOnlySpan<byte> header, int maxSide)
    {
        // No JPEG is larger than its pixels, and the squares are smaller than the picture.
        var longest = (6 * maxSide * maxSide) + (1024 * 1024);
        var (answer, length) = ((DecodeAnswer)header[0], BinaryPrimitives.ReadInt32LittleEndian(header[1..]));
        return Enum.IsDefined(answer) && length >= 0 && length <= longest ? (answer, length) : throw new InvalidDataException("A worker sent no frame.");
    }

    public static byte[] Write(WorkerGreeting greeting) =>
        Make(DecodeAnswer.Ready, string.Create(CultureInfo.InvariantCulture, $"{greeting.Vips}\n{greeting.ClosedFiles}"));

    public static WorkerGreeting ReadGreeting(byte[] body) => Encoding.UTF8.GetString(body).Split('\n') is [var vips, var closed]
        ? new(vips, bool.Parse(closed)) : throw new InvalidDataException("A worker sent no greeting.");

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
        return Make(DecodeAnswer.Picture, body.ToArray());
    }

    /// <exception cref="InvalidDataException">It is no picture of at most this side with its variants.</exception>
    public static ProcessedImage ReadImage(byte[] body, int maxSide)
    {
        using var reader = new BinaryReader(new MemoryStream(body));
        try
        {
            var (width, height, color) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadString());
            var hash = Part();
            var jpeg = Part();
            var variants = ProcessedImage.Sides.Select(_ => Part()).ToArray();
            var sane = width >= 1 && width <= maxSide && height >= 1 && height <= maxSide
                && color.Length == 7 && color[0] == '#' && color.Skip(1).All(char.IsAsciiHexDigitLower) && hash.Length <= LongestThumbHash
                && variants.Append(jpeg).All(IsJpeg) && reader.BaseStream.Position == body.Length;
            return sane ? new(jpeg, width, height, hash, color, variants) : throw new InvalidDataException("A worker sent no picture.");
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException("A worker sent half a picture.", e);
        }

        byte[] Part() => reader.ReadInt32() is >= 0 and var length && length <= body.Length && reader.ReadBytes(length) is { } part && part.Length == length
            ? part : throw new InvalidDataException("A worker sent half a picture.");
    }

    static bool IsJpeg(byte[] bytes) => bytes is [0xFF, 0xD8, 0xFF, .., 0xFF, 0xD9];
}
