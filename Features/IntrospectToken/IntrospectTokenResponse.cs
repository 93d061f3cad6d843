using System.Globalization;
using System.Text.Json.Serialization;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Features.IntrospectToken;

/// <summary>The answer by RFC 7662, 2.2; of a token that is not active only that.</summary>
sealed record IntrospectTokenResponse
{
    public required bool Active { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TokenType { get; init; }

    /// <summary>The user's id; nothing else about the user.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sub { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Iss { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Aud { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Exp { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Iat { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Jti { get; init; }

    /// <summary>When the person logged in (OpenID Connect Core, 2).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? AuthTime { get; init; }

    /// <summary>How (RFC 8176).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Amr { get; init; }

    public static IntrospectTokenResponse Of(AccessToken token, JwtOptions jwt) => new()
    {
        Active = true,
        TokenType = "Bearer",
        Sub = token.UserId.ToString(CultureInfo.InvariantCulture),
        Iss = jwt.Issuer,
        Aud = jwt.Audience,
        Exp = token.ExpiresAt,
        Iat = token.IssuedAt,
        Jti = token.Id,
        AuthTime = token.AuthenticatedAt,
        Amr = token.Methods,
    };
}
