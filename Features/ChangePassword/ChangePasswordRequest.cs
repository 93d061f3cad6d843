namespace Profiles.Features.ChangePassword;

sealed record ChangePasswordRequest(string CurrentPassword, string NewPassword);
