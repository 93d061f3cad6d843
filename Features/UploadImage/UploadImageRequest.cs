using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UploadImage;

/// <summary>Exactly one file, under one of the three names.</summary>
/// <param name="Image">The image.</param>
/// <param name="File">The image under another name.</param>
/// <param name="Photo">The image under another name.</param>
// Only describes the form in the API document; the endpoint streams it.
[OneMember]
sealed record UploadImageRequest(IFormFile? Image, IFormFile? File, IFormFile? Photo);
