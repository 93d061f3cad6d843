using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.UploadImage;

/// <param name="Message">A sentence for a person.</param>
/// <param name="ImageUrl">The image's address.</param>
/// <param name="Image">What an app needs to show the image.</param>
sealed record UploadImageResponse(string Message, [property: DataType(DataType.Url)] string ImageUrl, ImageDescription Image);
