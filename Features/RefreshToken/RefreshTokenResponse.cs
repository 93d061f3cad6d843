using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.RefreshToken;

/// <summary>The tokens that replace those before (RFC 6749, 5.1), and how long each is valid.</summary>
/// <param name="AccessToken">A JWT; carries `user_id`.</param>
/// <param name="TokenType">Always `Bearer`.</param>
/// <param name="ExpiresIn">Seconds.</param>
/// <param name="RefreshToken">Keep it in the phone's key store: it stands for the password.</param>
/// <param name="RefreshExpiresIn">Seconds; begins anew with each refresh.</param>
sealed record RefreshTokenResponse(
    string AccessToken,
    [property: AllowedValues("Bearer")] string TokenType,
    [property: Range(1, int.MaxValue)] int ExpiresIn,
    [property: RegularExpression("^[A-Za-z0-9_-]+$")] string RefreshToken,
    [property: Range(1, int.MaxValue)] int RefreshExpiresIn);
