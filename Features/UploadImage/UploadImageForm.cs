using System.Buffers;
using Microsoft.AspNetCore.WebUtilities;

namespace Profiles.Features.UploadImage;

/// <summary>Reads the one picture out of a multipart body as it arrives: nothing is written to a temporary file, and no more than the limit is kept.</summary>
static class UploadImageForm
{
    /// <summary>What the parts' headers and boundaries may take beside the picture, in bytes.</summary>
    public const int Overhead = 64 * 1024;

    // RFC 2046, 5.1.1.
    const int LongestBoundary = 70;

    const int ReadSize = 64 * 1024;

    static readonly string[] Names = ["image", "file", "photo"];

    /// <summary>The picture's bytes, or the problem: a sentence and its status.</summary>
    public static async Task<(byte[]? Picture, string Problem, int Status)> ReadAsync(
        HttpRequest request, IAsyncEnumerable<FileMultipartSection?> parts, long maxBytes, CancellationToken ct)
    {
        var boundary = request.GetTypedHeaders().ContentType?.Boundary.Value?.Trim('"');
        if (string.IsNullOrEmpty(boundary) || boundary.Length > LongestBoundary)
            return Refused("The Content-Type must be multipart/form-data with a boundary.");
        if (request.ContentLength > maxBytes + Overhead)
            return TooLarge(maxBytes);
        try
        {
            byte[]? picture = null;
            await foreach (var part in parts.WithCancellation(ct))
            {
                if (part is null || !Names.Contains(part.Name))
                    return Refused("The file part must be named image, file or photo.");
                if (picture is not null)
                    return Refused("Send exactly one file.");
                picture = await ReadPartAsync(part.Section.Body, maxBytes, ct);
                if (picture is null)
                    return TooLarge(maxBytes);
            }
            return picture is null ? Refused("Send exactly one file, in a part named image, file or photo.") : (picture, "", 0);
        }
        catch (Exception e) when (e is InvalidDataException or (IOException and not BadHttpRequestException))
        {
            return Refused("The multipart body is damaged or cut off.");
        }
    }

    // Null when it is too large.
    static async Task<byte[]?> ReadPartAsync(Stream body, long maxBytes, CancellationToken ct)
    {
        using var picture = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            int read;
            while ((read = await body.ReadAsync(buffer, ct)) > 0)
            {
                if (picture.Length + read > maxBytes)
                    return null;
                picture.Write(buffer, 0, read);
            }
            return picture.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    static (byte[]?, string, int) Refused(string sentence) => (null, sentence, StatusCodes.Status400BadRequest);

    static (byte[]?, string, int) TooLarge(long maxBytes) => (null, $"A picture has at most {maxBytes} bytes.", StatusCodes.Status413PayloadTooLarge);
}
