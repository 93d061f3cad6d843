using System.ComponentModel.DataAnnotations;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.UploadImage;

/// <param name="Message">For a person.</param>
/// <param name="ImageUrl">Where the image is.</param>
/// <param name="Image">What a screen wants to know of it.</param>
sealed record UploadImageResponse(string Message, [property: DataType(DataType.Url)] string ImageUrl, ImageDescription Image);
