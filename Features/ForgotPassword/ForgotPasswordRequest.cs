namespace Profiles.Features.ForgotPassword;

sealed record ForgotPasswordRequest(string Email);
