namespace Profiles.Features.ForgotPassword;

/// <param name="Email">Case-insensitive; surrounding blanks are trimmed and not counted.</param>
sealed record ForgotPasswordRequest(string Email);
