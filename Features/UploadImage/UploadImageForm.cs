using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.UploadImage;

/// <summary>Reads the one picture out of a multipart body as it arrives: nothing is written to a temporary file, and no more than the limit is kept.</summary>
static class UploadImageForm
{
    /// <summary>What the parts' headers and boundaries may take beside the picture, in bytes.</summary>
    public const int Overhead = 64 * 1024;

    // RFC 2046, 5.1.1.
    const int LongestBoundary = 70;

    static readonly string[] Names = ["image", "file", "photo"];

    /// <summary>Reads the picture into <paramref name="picture"/>; null, or why it is refused.</summary>
    public static async Task<ProblemHttpResult?> ReadAsync(
        HttpRequest request, IAsyncEnumerable<FileMultipartSection?> parts, UploadBuffer picture, long maxBytes, CancellationToken ct)
    {
        var boundary = request.GetTypedHeaders().ContentType?.Boundary.Value?.Trim('"');
        if (string.IsNullOrEmpty(boundary) || boundary.Length > LongestBoundary)
            return Problems.Of(ErrorCodes.InvalidForm, "The Content-Type must be multipart/form-data with a boundary.");
        if (request.ContentLength > maxBytes + Overhead)
            return TooLarge(maxBytes);
        try
        {
            var count = 0;
            await foreach (var part in parts.WithCancellation(ct))
            {
                if (part is null || !Names.Contains(part.Name))
                    return Problems.Of(ErrorCodes.OneFileRequired, "The file part must be named image, file or photo.");
                if (++count > 1)
                    return Problems.Of(ErrorCodes.OneFileRequired, "Send exactly one file.");
                while (await picture.ReadAsync(part.Section.Body, ct))
                {
                    if (picture.Length > maxBytes)
                        return TooLarge(maxBytes);
                }
            }
            return count == 0 ? Problems.Of(ErrorCodes.OneFileRequired) : null;
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(maxBytes);
        }
        catch (Exception e) when (e is InvalidDataException or (IOException and not BadHttpRequestException))
        {
            return Problems.Of(ErrorCodes.InvalidForm);
        }
    }

    static ProblemHttpResult TooLarge(long maxBytes) => Problems.Of(
        ErrorCodes.ImageTooLarge, $"A picture has at most {maxBytes} bytes.", new Dictionary<string, object?> { ["max_bytes"] = maxBytes });
}
