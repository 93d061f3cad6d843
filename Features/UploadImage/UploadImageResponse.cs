using Profiles.Infrastructure.Images;

namespace Profiles.Features.UploadImage;

sealed record UploadImageResponse(string Message, string ImageUrl, ImageDescription Image);
