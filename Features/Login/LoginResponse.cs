namespace Profiles.Features.Login;

/// <summary>A bearer token (RFC 6750) and how long it is valid, in seconds.</summary>
sealed record LoginResponse(string AccessToken, string TokenType, int ExpiresIn);
