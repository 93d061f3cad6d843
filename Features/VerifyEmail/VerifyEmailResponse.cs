namespace Profiles.Features.VerifyEmail;

sealed record VerifyEmailResponse(string Message);
