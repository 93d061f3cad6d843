using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using FastEndpoints.Security;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Profiles.Infrastructure.Auth;

/// <summary>
/// Issues access tokens and reads from them who they speak for. The bearer handler has checked the signature, issuer and audience before;
/// what it is lenient about is checked here to the letter (RFC 7515 base64url, RFC 8725).
/// </summary>
sealed class AccessTokens(SigningKeys keys, IOptions<JwtOptions> options, TimeProvider clock)
{
    /// <summary>How far another machine's clock may differ from ours.</summary>
    static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    const string UserIdClaim = "user_id", SessionIdClaim = "session_id";

    static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    /// <summary>How long a new token is valid, in seconds.</summary>
    public int LifetimeSeconds => (int)options.Value.Lifetime.TotalSeconds;

    /// <summary>Makes a token for a session of a user. It has nothing of the profile in it: its size is the same for all.</summary>
    public string Issue(long userId, long sessionId) => JwtBearer.CreateToken(o =>
    {
        var id = userId.ToString(CultureInfo.InvariantCulture);
        o.SigningKey = keys.Current;
        o.Issuer = options.Value.Issuer;
        o.Audience = options.Value.Audience;
        o.ExpireAt = (clock.GetUtcNow() + options.Value.Lifetime).UtcDateTime;
        o.User.Claims.Add(new Claim(UserIdClaim, id, ClaimValueTypes.Integer64));
        o.User.Claims.Add(new Claim("sub", id));
        o.User.Claims.Add(new Claim(SessionIdClaim, sessionId.ToString(CultureInfo.InvariantCulture), ClaimValueTypes.Integer64));
        o.User.Claims.Add(new Claim("jti", Guid.NewGuid().ToString("N")));
    });

    /// <summary>The ids of the user and the session in an <c>Authorization</c> header whose signature holds; null when anything about the token is not as we issue it.</summary>
    public (long UserId, long SessionId)? ReadIds(StringValues authorization)
    {
        if (authorization is not [{ } header] || header.Split(' ') is not [_, var token] || token.Split('.') is not [var head, var payload, var mac])
            return null;
        if (Decode(head) is not { } headBytes || Decode(payload) is not { } payloadBytes || Decode(mac) is null)
            return null;
        try
        {
            using var headJson = JsonDocument.Parse(headBytes, Strict);
            using var payloadJson = JsonDocument.Parse(payloadBytes, Strict);
            return IsOurHeader(headJson.RootElement) && IsInTime(payloadJson.RootElement) ? Ids(payloadJson.RootElement) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether the times of a token hold now; for the bearer handler, which would ask the system's clock.</summary>
    public bool IsInTime(DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires is not null && expires > now - Leeway && (notBefore is null || notBefore <= now + Leeway);
    }

    // Two spellings of one token would be two tokens to whoever blocks one: strict alphabet, no padding, no spare bits.
    static byte[]? Decode(string part)
    {
        if (part.Length == 0 || part.AsSpan().ContainsAnyExcept(Alphabet) || !Base64Url.IsValid(part))
            return null;
        var bytes = Base64Url.DecodeFromChars(part);
        return Base64Url.EncodeToString(bytes) == part ? bytes : null;
    }

    // "kid", "jku", "crit" and the like are nothing that we issue: no code reads them, and no token has them.
    static bool IsOurHeader(JsonElement header) =>
        header.ValueKind == JsonValueKind.Object && header.EnumerateObject().All(m => m.Name switch
        {
            "alg" => IsText(m.Value, "HS256"),
            "typ" => IsText(m.Value, "JWT"),
            _ => false,
        });

    bool IsInTime(JsonElement payload)
    {
        if (payload.ValueKind != JsonValueKind.Object || Seconds(payload, "exp") is not { } expires)
            return false;
        var now = clock.GetUtcNow();
        var latest = (now + options.Value.Lifetime + Leeway).ToUnixTimeSeconds();
        var soon = (now + Leeway).ToUnixTimeSeconds();
        return expires > (now - Leeway).ToUnixTimeSeconds() && expires <= latest && NotAfter(payload, "nbf", soon) && NotAfter(payload, "iat", soon);
    }

    static (long, long)? Ids(JsonElement payload)
    {
        if (Id(payload, UserIdClaim) is not { } user || Id(payload, SessionIdClaim) is not { } session)
            return null;
        return !payload.TryGetProperty("sub", out var subject) || IsText(subject, user.ToString(CultureInfo.InvariantCulture)) ? (user, session) : null;
    }

    static long? Id(JsonElement payload, string claim) =>
        payload.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var id) && id > 0 ? id : null;

    static bool NotAfter(JsonElement payload, string name, long latest) =>
        !payload.TryGetProperty(name, out _) || Seconds(payload, name) <= latest;

    static long? Seconds(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && seconds >= 0 ? seconds : null;

    static bool IsText(JsonElement value, string expected) => value.ValueKind == JsonValueKind.String && value.ValueEquals(expected);
}
