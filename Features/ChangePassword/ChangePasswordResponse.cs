namespace Profiles.Features.ChangePassword;

sealed record ChangePasswordResponse(string Message);
