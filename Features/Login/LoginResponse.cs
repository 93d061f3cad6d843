namespace Profiles.Features.Login;

/// <summary>A bearer token (RFC 6750), a refresh token for when it has expired, and how long each is valid, in seconds.</summary>
sealed record LoginResponse(string AccessToken, string TokenType, int ExpiresIn, string RefreshToken, int RefreshExpiresIn);
