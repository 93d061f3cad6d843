namespace Profiles.Features.VerifyEmail;

/// <param name="Token">Out of a mail.</param>
sealed record VerifyEmailRequest(string Token);
