using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// Issues access tokens, and says what the bearer handler does not: it judges the signature, the issuer and the audience, but takes several spellings of one token,
/// claims of other types and any length of life.
/// </summary>
sealed class AccessTokens(SigningKeys keys, IOptions<JwtOptions> options, TimeProvider clock)
{
    public const string UserIdClaim = "user_id", SessionIdClaim = "session_id";

    /// <summary>How far another machine's clock may differ from ours.</summary>
    static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    // Every token begins with it: "kid", "jku", "crit" and the like are nothing that we issue.
    static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    static readonly string[] Numbers = [UserIdClaim, SessionIdClaim, JwtRegisteredClaimNames.Exp, JwtRegisteredClaimNames.Nbf, JwtRegisteredClaimNames.Iat];

    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    static readonly JsonWebTokenHandler Writer = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>How long a new token is valid, in seconds.</summary>
    public int LifetimeSeconds => (int)options.Value.Lifetime.TotalSeconds;

    /// <summary>Makes a token for a session of a user. It has nothing of the profile in it: its size is the same for all.</summary>
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

    /// <summary>Reads a token for the bearer handler, in the one form that we issue (RFC 7515 base64url, RFC 8725). Throws <see cref="SecurityTokenMalformedException"/> for any other.</summary>
    public static SecurityToken Read(string token)
    {
        try
        {
            if (token.Split('.') is [var header, var payload, var mac] && header == Header && Decode(payload) is { } claims && Decode(mac) is not null && HasOurTypes(claims))
                return new JsonWebToken(token);
        }
        catch (JsonException)
        {
            // Not JSON, or a claim that is there twice.
        }
        throw new SecurityTokenMalformedException("Not a token of ours.");
    }

    /// <summary>Whether the times of a token hold now, and are such as we give.</summary>
    public bool IsInTime(DateTime? notBefore, DateTime? expires, DateTime issued)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now - Leeway && expires <= now + options.Value.Lifetime + Leeway && issued <= now + Leeway && (notBefore is null || notBefore <= now + Leeway);
    }

    // Two spellings of one token would be two tokens to whoever blocks one: strict alphabet, no padding, no spare bits.
    static byte[]? Decode(string part) =>
        part.Length > 0 && Base64Url.IsValid(part) && Base64Url.DecodeFromChars(part) is var bytes && Base64Url.EncodeToString(bytes) == part ? bytes : null;

    static bool HasOurTypes(byte[] payload)
    {
        using var json = JsonDocument.Parse(payload, Strict);
        return json.RootElement is { ValueKind: JsonValueKind.Object } claims
            && Numbers.All(n => !claims.TryGetProperty(n, out var value) || (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0))
            && claims.EnumerateObject().All(c => Numbers.Contains(c.Name) || c.Value.ValueKind is JsonValueKind.String);
    }
}
