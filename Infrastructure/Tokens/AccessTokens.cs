using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Whom a valid access token stands for.</summary>
readonly record struct AccessToken(long UserId, long SessionId);

/// <summary>
/// Issues access tokens (RFC 7519), and verifies them in the only form that is issued (RFC 8725): one spelling of each token, the issued
/// types of claims, none twice, no longer a lifetime.
/// </summary>
sealed class AccessTokens(SigningKeys keys, IOptions<JwtOptions> options, TimeProvider clock)
{
    /// <summary>Longer than any issued token, whose issuer and audience may be escaped letter by letter.</summary>
    const int LongestToken = 4096;

    /// <summary>How far another machine's clock may differ, in seconds.</summary>
    const int Leeway = 60;

    // The header of every issued token: one with "kid", "jku", "crit" or the like is not ours.
    static readonly byte[] Header = [.. Encoding.ASCII.GetBytes(Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)), (byte)'.'];

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
                ["user_id"] = userId,
                [JwtRegisteredClaimNames.Sub] = userId.ToString(CultureInfo.InvariantCulture),
                ["session_id"] = sessionId,
                [JwtRegisteredClaimNames.Jti] = Guid.NewGuid().ToString("N"),
            },
            SigningCredentials = new(keys.Current, SecurityAlgorithms.HmacSha256),
        });
    }

    /// <summary>Returns whom a token stands for; null unless it was issued here and is valid now.</summary>
    public AccessToken? Verify(ReadOnlySpan<char> token)
    {
        if (token.Length > LongestToken)
            return null;
        Span<byte> text = stackalloc byte[token.Length];
        return Ascii.FromUtf16(token, text, out _) == OperationStatus.Done && text.StartsWith(Header)
            && text.LastIndexOf((byte)'.') is var end && end >= Header.Length && IsSigned(text[..end], text[(end + 1)..])
            ? Read(text[Header.Length..end]) : null;
    }

    // Compares the text of the signature, so that only one spelling of it is right.
    bool IsSigned(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes], expected = stackalloc byte[Base64Url.GetEncodedLength(mac.Length)];
        foreach (var key in keys.Accepted)
        {
            HMACSHA256.HashData(key, signed, mac);
            Base64Url.EncodeToUtf8(mac, expected);
            if (CryptographicOperations.FixedTimeEquals(expected, signature))
                return true;
        }
        return false;
    }

    AccessToken? Read(ReadOnlySpan<byte> payload)
    {
        Span<byte> json = stackalloc byte[payload.Length], again = stackalloc byte[payload.Length];
        // The decoder skips white space, padding and spare bits.
        if (Base64Url.DecodeFromUtf8(payload, json, out _, out var length) != OperationStatus.Done
            || Base64Url.EncodeToUtf8(json[..length], again) != payload.Length || !again.SequenceEqual(payload))
            return null;
        try
        {
            return ReadClaims(json[..length]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or text that is not Unicode.
            return null;
        }
    }

    AccessToken? ReadClaims(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        long? user = null, session = null, expires = null, notBefore = null, issued = null;
        string? subject = null, id = null, issuer = null, audience = null;
        HashSet<string>? others = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isExpected = reader.ValueTextEquals("user_id"u8) ? Take(ref reader, ref user)
                : reader.ValueTextEquals("session_id"u8) ? Take(ref reader, ref session)
                : reader.ValueTextEquals("exp"u8) ? Take(ref reader, ref expires)
                : reader.ValueTextEquals("nbf"u8) ? Take(ref reader, ref notBefore)
                : reader.ValueTextEquals("iat"u8) ? Take(ref reader, ref issued)
                : reader.ValueTextEquals("sub"u8) ? Take(ref reader, ref subject)
                : reader.ValueTextEquals("jti"u8) ? Take(ref reader, ref id)
                : reader.ValueTextEquals("iss"u8) ? Take(ref reader, ref issuer)
                : reader.ValueTextEquals("aud"u8) ? Take(ref reader, ref audience)
                : (others ??= []).Add(reader.GetString()!) && reader.Read() && reader.TokenType == JsonTokenType.String;
            if (!isExpected)
                return null;
        }
        // The reader throws when anything follows the object.
        reader.Read();
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var isValidNow = expires > now - Leeway && expires <= now + LifetimeSeconds + Leeway
            && (issued ?? 0) <= now + Leeway && (notBefore ?? 0) <= now + Leeway;
        return isValidNow && issuer == options.Value.Issuer && audience == options.Value.Audience
            && user > 0 && session > 0 && (subject is null || subject == user.Value.ToString(CultureInfo.InvariantCulture))
            ? new(user.Value, session.Value) : null;
    }

    // False for the wrong type and for a claim that occurs twice.
    static bool Take(ref Utf8JsonReader reader, ref long? claim)
    {
        if (claim is not null || !reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number))
            return false;
        claim = number;
        return number >= 0;
    }

    static bool Take(ref Utf8JsonReader reader, ref string? claim)
    {
        if (claim is not null || !reader.Read() || reader.TokenType != JsonTokenType.String)
            return false;
        claim = reader.GetString();
        return true;
    }
}
