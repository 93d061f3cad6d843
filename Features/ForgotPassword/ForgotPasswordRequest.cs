namespace Profiles.Features.ForgotPassword;

/// <param name="Email">Compared without regard to case; blanks around it are cut off and not counted.</param>
sealed record ForgotPasswordRequest(string Email);
