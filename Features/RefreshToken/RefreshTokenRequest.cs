namespace Profiles.Features.RefreshToken;

sealed record RefreshTokenRequest(string RefreshToken);
