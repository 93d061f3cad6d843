namespace Profiles.Features.UploadImage;

sealed record UploadImageResponse(string Message, string ImageUrl);
