namespace Profiles.Features.VerifyEmail;

/// <param name="Token">The token from the mail.</param>
sealed record VerifyEmailRequest(string Token);
