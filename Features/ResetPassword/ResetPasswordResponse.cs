namespace Profiles.Features.ResetPassword;

sealed record ResetPasswordResponse(string Message);
