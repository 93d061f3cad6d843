namespace Profiles.Features.RefreshToken;

/// <param name="RefreshToken">The session's latest refresh token.</param>
sealed record RefreshTokenRequest(string RefreshToken);
