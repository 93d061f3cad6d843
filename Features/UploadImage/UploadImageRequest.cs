namespace Profiles.Features.UploadImage;

/// <summary>Describes the form to readers of the API's document: one file, under any of the seeds' names. The endpoint itself streams it.</summary>
sealed class UploadImageRequest
{
    public required IFormFile Image { get; init; }
}
