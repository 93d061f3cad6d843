using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// Issues access tokens, and adds the checks that the bearer handler lacks: it validates the signature, the issuer and the audience, but
/// accepts several spellings of one token, claims of other types and any lifetime.
/// </summary>
sealed class AccessTokens(SigningKeys keys, IOptions<JwtOptions> options, TimeProvider clock)
{
    public const string UserIdClaim = "user_id", SessionIdClaim = "session_id";

    /// <summary>How far another machine's clock may differ.</summary>
    static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    // The header of every issued token: one with "kid", "jku", "crit" or the like is not ours.
    static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    static readonly string[] NumericClaims =
        [UserIdClaim, SessionIdClaim, JwtRegisteredClaimNames.Exp, JwtRegisteredClaimNames.Nbf, JwtRegisteredClaimNames.Iat];

    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    static readonly JsonWebTokenHandler Writer = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>How long a new token is valid, in seconds.</summary>
    public int LifetimeSeconds => (int)options.Value.Lifetime.TotalSeconds;

    /// <summary>Issues a token for a session. It contains nothing of the profile, so its size hardly varies.</summary>
    public string Issue(long userId, long sessionId)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return Writer.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.Issuer,
            Audience = options.Value.Audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + options.Value.Lifetime,
            Claims = new Dictionary<string, object>
            {
                [UserIdClaim] = userId,
                [JwtRegisteredClaimNames.Sub] = userId.ToString(CultureInfo.InvariantCulture),
                [SessionIdClaim] = sessionId,
                [JwtRegisteredClaimNames.Jti] = Guid.NewGuid().ToString("N"),
            },
            SigningCredentials = new(keys.Current, SecurityAlgorithms.HmacSha256),
        });
    }

    /// <summary>
    /// Reads a token for the bearer handler, in the only form that is issued (RFC 7515 base64url, RFC 8725). Throws
    /// <see cref="SecurityTokenMalformedException"/> for any other.
    /// </summary>
    public static SecurityToken Read(string token)
    {
        try
        {
            if (token.Split('.') is [var header, var payload, var mac] && header == Header
                && Decode(payload) is { } claims && Decode(mac) is not null && HasExpectedTypes(claims))
                return new JsonWebToken(token);
        }
        catch (JsonException)
        {
            // Not JSON, or a duplicate claim.
        }
        throw new SecurityTokenMalformedException("The token was not issued here.");
    }

    /// <summary>Whether a token is valid now, and for no longer than issued tokens are.</summary>
    public bool IsValidNow(DateTime? notBefore, DateTime? expires, DateTime issued)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now - Leeway && expires <= now + options.Value.Lifetime + Leeway
            && issued <= now + Leeway && (notBefore is null || notBefore <= now + Leeway);
    }

    // A second spelling of a token would evade a block of the first: strict alphabet, no padding, no spare bits.
    static byte[]? Decode(string part) =>
        part.Length > 0 && Base64Url.IsValid(part)
            && Base64Url.DecodeFromChars(part) is var bytes && Base64Url.EncodeToString(bytes) == part ? bytes : null;

    static bool HasExpectedTypes(byte[] payload)
    {
        using var json = JsonDocument.Parse(payload, Strict);
        return json.RootElement is { ValueKind: JsonValueKind.Object } claims
            && claims.EnumerateObject().All(c => NumericClaims.Contains(c.Name)
                ? c.Value.ValueKind == JsonValueKind.Number && c.Value.TryGetInt64(out var number) && number >= 0
                : c.Value.ValueKind == JsonValueKind.String);
    }
}
