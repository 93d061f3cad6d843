namespace Profiles.Features.RefreshToken;

/// <param name="RefreshToken">The latest one.</param>
sealed record RefreshTokenRequest(string RefreshToken);
