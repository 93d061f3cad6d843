using Profiles.Infrastructure.OpenApi;


namespace Profiles.Features.UploadImage;

/// <summary>Exactly one file, under any of the names.</summary>
/// <param name="Image">The image.</param>
/// <param name="File">The same under another name: exactly one of the three has a file.</param>
/// <param name="Photo">The same under another name: exactly one of the three has a file.</param>
// Describes the form to readers of the API's document; the endpoint itself streams it.
[OneMember]
sealed record UploadImageRequest(IFormFile? Image, IFormFile? File, IFormFile? Photo);
