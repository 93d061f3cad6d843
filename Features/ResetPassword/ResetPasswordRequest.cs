namespace Profiles.Features.ResetPassword;

sealed record ResetPasswordRequest(string Token, string NewPassword);
