using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.UploadImage;

/// <summary>Reads the one image of a multipart body as it arrives; writes no temporary file and buffers no more than the limit.</summary>
static class UploadImageForm
{
    /// <summary>The bytes that headers and boundaries of the parts may take in addition to the image.</summary>
    public const int Overhead = 64 * 1024;

    // RFC 2046, 5.1.1.
    const int LongestBoundary = 70;

    // Real forms have far fewer; each part costs more than its bytes.
    const int MostParts = 1000;

    static readonly string[] Names = ["image", "file", "photo"];

    /// <summary>Reads the image into <paramref name="image"/>; returns why the form is refused, or null.</summary>
    public static async Task<ProblemHttpResult?> ReadAsync(HttpRequest request, UploadBuffer image, long maxBytes, CancellationToken ct)
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
                var before = image.Length;
                while (await image.ReadAsync(section.Body, ct))
                {
                    if (image.Length > maxBytes)
                        return TooLarge(maxBytes);
                }
                // A browser sends a field without a chosen file as an empty part with an empty file name.
                if (part.FileName is "" && image.Length == before)
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
        catch (Exception e) when (e is InvalidDataException or (IOException and not BadHttpRequestException)
            && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return Problems.Of(ErrorCodes.InvalidForm);
        }
    }

    static ProblemHttpResult TooLarge(long maxBytes) => Problems.Of(
        ErrorCodes.ImageTooLarge, $"A picture has at most {maxBytes} bytes.", new Dictionary<string, object?> { ["max_bytes"] = maxBytes });
}
