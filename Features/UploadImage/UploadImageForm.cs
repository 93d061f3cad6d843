using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.UploadImage;

/// <summary>Reads the one picture out of a multipart body as it arrives: nothing is written to a temporary file, and no more than the limit is kept.</summary>
static class UploadImageForm
{
    /// <summary>What the parts' headers and boundaries may take beside the picture, in bytes.</summary>
    public const int Overhead = 64 * 1024;

    // RFC 2046, 5.1.1.
    const int LongestBoundary = 70;

    // Nobody's form has as many; each costs more than its bytes.
    const int MostParts = 1000;

    static readonly string[] Names = ["image", "file", "photo"];

    /// <summary>Reads the picture into <paramref name="picture"/>; null, or why it is refused.</summary>
    public static async Task<ProblemHttpResult?> ReadAsync(HttpRequest request, UploadBuffer picture, long maxBytes, CancellationToken ct)
    {
        if (MediaType.Read(request.ContentType)?.Boundary is not { Length: > 0 and <= LongestBoundary } boundary)
            return Problems.Of(ErrorCodes.InvalidForm, "The Content-Type must be multipart/form-data with a boundary.");
        if (request.ContentLength > maxBytes + Overhead)
            return TooLarge(maxBytes);
        try
        {
            var reader = new MultipartReader(boundary, request.Body);
            var (parts, files) = (0, 0);
            while (await reader.ReadNextSectionAsync(ct) is { } section)
            {
                if (++parts > MostParts)
                    return Problems.Of(ErrorCodes.InvalidForm, "The form has too many parts.");
                var part = FormPart.Of(section);
                if (!part.IsFile(Names))
                    continue;
                if (!Names.Contains(part.Name))
                    return Problems.Of(ErrorCodes.OneFileRequired, "The file part must be named image, file or photo.");
                var before = picture.Length;
                while (await picture.ReadAsync(section.Body, ct))
                {
                    if (picture.Length > maxBytes)
                        return TooLarge(maxBytes);
                }
                // A browser sends a field in which no file was chosen as an empty one without a name.
                if (part.FileName is "" && picture.Length == before)
                    continue;
                if (++files > 1)
                    return Problems.Of(ErrorCodes.OneFileRequired, "Send exactly one file.");
            }
            return files == 0 ? Problems.Of(ErrorCodes.OneFileRequired) : null;
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(maxBytes);
        }
        catch (Exception e) when (e is InvalidDataException or (IOException and not BadHttpRequestException) && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return Problems.Of(ErrorCodes.InvalidForm);
        }
    }

    static ProblemHttpResult TooLarge(long maxBytes) => Problems.Of(
        ErrorCodes.ImageTooLarge, $"A picture has at most {maxBytes} bytes.", new Dictionary<string, object?> { ["max_bytes"] = maxBytes });
}
