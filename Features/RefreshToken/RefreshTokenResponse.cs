using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.RefreshToken;

/// <summary>The tokens that replace the previous ones (RFC 6749, 5.1), and how long each is valid.</summary>
/// <param name="AccessToken">A JWT that carries `user_id`.</param>
/// <param name="TokenType">Always `Bearer`.</param>
/// <param name="ExpiresIn">Seconds.</param>
/// <param name="RefreshToken">Keep it in the device's key store: it stands in for the password.</param>
/// <param name="RefreshExpiresIn">Seconds; starts again with each refresh.</param>
sealed record RefreshTokenResponse(
    string AccessToken,
    [property: AllowedValues("Bearer")] string TokenType,
    [property: Range(1, int.MaxValue)] int ExpiresIn,
    [property: RegularExpression("^[A-Za-z0-9_-]+$")] string RefreshToken,
    [property: Range(1, int.MaxValue)] int RefreshExpiresIn);
