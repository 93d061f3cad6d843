using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Sessions;

/// <summary>A bearer token (RFC 6750), a refresh token that replaces it when it expires, and how long each is valid.</summary>
record TokenPair
{
    /// <summary>A JWT that carries `user_id`.</summary>
    public required string AccessToken { get; init; }

    /// <summary>Always `Bearer`.</summary>
    [AllowedValues("Bearer")]
    public string TokenType { get; } = "Bearer";

    /// <summary>Seconds.</summary>
    [Range(1, int.MaxValue)]
    public required int ExpiresIn { get; init; }

    /// <summary>Keep it in the device's key store: it stands in for the password.</summary>
    [RegularExpression("^[A-Za-z0-9_-]+$")]
    public required string RefreshToken { get; init; }

    /// <summary>Seconds; starts again with each refresh.</summary>
    [Range(1, int.MaxValue)]
    public required int RefreshExpiresIn { get; init; }

    /// <summary>The example of the API document.</summary>
    public static TokenPair Example { get; } = new()
    {
        AccessToken = "<jwt-token>",
        ExpiresIn = 3600,
        RefreshToken = "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE",
        RefreshExpiresIn = 5184000,
    };
}
