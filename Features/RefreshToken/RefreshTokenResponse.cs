namespace Profiles.Features.RefreshToken;

/// <summary>The tokens that replace those before (RFC 6749, 5.1); how long each is valid, in seconds.</summary>
sealed record RefreshTokenResponse(string AccessToken, string TokenType, int ExpiresIn, string RefreshToken, int RefreshExpiresIn);
