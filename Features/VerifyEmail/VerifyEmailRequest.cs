namespace Profiles.Features.VerifyEmail;

sealed record VerifyEmailRequest(string Token);
