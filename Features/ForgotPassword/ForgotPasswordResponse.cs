namespace Profiles.Features.ForgotPassword;

sealed record ForgotPasswordResponse(string Message);
