using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Tokens;

/// <summary>What an access token says, times in Unix seconds.</summary>
/// <param name="UserId">Whom it stands for.</param>
/// <param name="SessionId">The session.</param>
/// <param name="IssuedAt">Null for a token that does not say it.</param>
/// <param name="NotBefore">Null for a token that does not say it.</param>
/// <param name="ExpiresAt">When it expires.</param>
/// <param name="Id">The <c>jti</c>; null for a token without one.</param>
/// <param name="AuthenticatedAt">When the person proved who they are; null for a token that does not say it.</param>
/// <param name="Methods">How (RFC 8176); null for a token that does not say it.</param>
sealed record AccessToken(
    long UserId, long SessionId, long? IssuedAt, long? NotBefore, long ExpiresAt, string? Id, long? AuthenticatedAt, string[]? Methods);

/// <summary>
/// Issues access tokens (RFC 7519, RFC 9068), and verifies them in the only form that is issued (RFC 8725): one spelling of each token's
/// header, claims and signature, the issued types of claims, none twice, no longer a lifetime.
/// </summary>
sealed class AccessTokens(SigningKeys secrets, KeyRing ring, IOptions<JwtOptions> options, TimeProvider clock)
{
    /// <summary>The <c>client_id</c> of every token (RFC 9068, 2.2): no clients are registered here, the app is the only one.</summary>
    public const string ClientId = "app";

    /// <summary>How far another machine's clock may differ.</summary>
    public static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    // A first start makes the secret and then the ring: such a secret has signed nothing.
    static readonly TimeSpan FirstStart = TimeSpan.FromMinutes(1);

    // How long instances of a version without a ring may go on beside the first one that has it.
    static readonly TimeSpan RollingUpgrade = TimeSpan.FromDays(1);

    /// <summary>Longer than any issued token, whose issuer and audience may be escaped letter by letter.</summary>
    const int LongestToken = 4096;

    // The header of every token that a secret signs: one with "kid", "jku", "crit" or the like is not ours.
    static readonly byte[] SecretHeader =
        [.. Encoding.ASCII.GetBytes(Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)), (byte)'.'];

    static readonly JsonWebTokenHandler Writer = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>How long a new token is valid, in seconds.</summary>
    public int LifetimeSeconds => (int)options.Value.Lifetime.TotalSeconds;

    /// <summary>The algorithm of new tokens (RFC 7518).</summary>
    public string Algorithm => ring.IsUsed ? SecurityAlgorithms.EcdsaSha256 : SecurityAlgorithms.HmacSha256;

    /// <summary>Issues a token for a session. It contains nothing of the profile, so its size hardly varies.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="authenticatedAt">When the person proved who they are, UTC: the `auth_time` (OpenID Connect Core, 2).</param>
    /// <param name="methods">How, separated by spaces: the `amr` (RFC 8176). Null where that is not known.</param>
    public string Issue(long userId, long sessionId, DateTime authenticatedAt, string? methods)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        var token = new SecurityTokenDescriptor
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
                [JwtRegisteredClaimNames.AuthTime] = EpochTime.GetIntDate(authenticatedAt),
            },
        };
        if (!string.IsNullOrEmpty(methods))
            token.Claims[JwtRegisteredClaimNames.Amr] = methods.Split(' ');
        if (ring.Keys.Current is { } key)
        {
            (token.SigningCredentials, token.TokenType) = (key.Credentials, KeyPair.TokenType);
            token.Claims["client_id"] = ClientId;
        }
        else
        {
            token.SigningCredentials = new(secrets.Current, SecurityAlgorithms.HmacSha256);
        }
        return Writer.CreateToken(token);
    }

    /// <summary>
    /// Returns what a token says; null unless it was issued here and is valid now. A key that another instance has made since is read.
    /// Throws <see cref="BusyException"/> when that takes too long.
    /// </summary>
    public ValueTask<AccessToken?> VerifyAsync(ReadOnlyMemory<char> token, CancellationToken ct)
    {
        var keys = ring.Keys;
        var verified = Verify(token.Span, keys, out var hasUnknownKey);
        return hasUnknownKey ? VerifyAgainAsync(token, keys, ct) : new(verified);
    }

    async ValueTask<AccessToken?> VerifyAgainAsync(ReadOnlyMemory<char> token, KeySet keys, CancellationToken ct) =>
        await ring.TryReloadAsync(keys, ct) ? Verify(token.Span, ring.Keys, out _) : null;

    AccessToken? Verify(ReadOnlySpan<char> token, KeySet keys, out bool hasUnknownKey)
    {
        hasUnknownKey = false;
        if (token.Length > LongestToken)
            return null;
        Span<byte> text = stackalloc byte[token.Length];
        if (Ascii.FromUtf16(token, text, out _) != OperationStatus.Done)
            return null;
        // The header decides among keys of its own algorithm only.
        var read = text.StartsWith(SecretHeader) ? VerifySecret(text, keys)
            : keys.Find(text) is { } key ? VerifyPair(text, key, keys.Verified)
            : null;
        hasUnknownKey = read is null && KeyPair.IsNamedBy(text) && keys.Find(text) is null;
        return read is not null && IsValid(read) ? read : null;
    }

    AccessToken? VerifySecret(ReadOnlySpan<byte> text, KeySet keys)
    {
        var end = text.LastIndexOf((byte)'.');
        if (end < SecretHeader.Length)
            return null;
        var accepted = secrets.Accepted[(MayHaveSigned(keys) ? 0 : 1)..];
        return HasMac(accepted, text[..end], text[(end + 1)..]) ? Read(text[SecretHeader.Length..end]) : null;
    }

    // Beside a ring the secret counts only if a version without one has used it, and until the last token of that expires.
    bool MayHaveSigned(KeySet keys) => !ring.IsUsed || (keys.BornAt is { } born && secrets.CreatedAt + FirstStart < born
        && clock.GetUtcNow().UtcDateTime < born + RollingUpgrade + options.Value.Lifetime + Leeway);

    AccessToken? VerifyPair(ReadOnlySpan<byte> text, KeyPair key, VerifiedTokens verified)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        if (verified.Find(hash) is { } known)
            return known;
        var end = text.LastIndexOf((byte)'.');
        if (end < key.Header.Length || !key.HasSigned(text[..end], text[(end + 1)..]) || Read(text[key.Header.Length..end]) is not { } read)
            return null;
        verified.Add(hash, read);
        return read;
    }

    // Compares the text of the signature, so that only one spelling of it is right.
    static bool HasMac(ReadOnlySpan<byte[]> keys, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes], expected = stackalloc byte[Base64Url.GetEncodedLength(mac.Length)];
        foreach (var key in keys)
        {
            HMACSHA256.HashData(key, signed, mac);
            Base64Url.EncodeToUtf8(mac, expected);
            if (CryptographicOperations.FixedTimeEquals(expected, signature))
                return true;
        }
        return false;
    }

    // At each use: a verified token is remembered.
    bool IsValid(AccessToken token)
    {
        var (now, leeway) = (clock.GetUtcNow().ToUnixTimeSeconds(), (long)Leeway.TotalSeconds);
        return token.ExpiresAt > now - leeway && token.ExpiresAt <= now + LifetimeSeconds + leeway
            && (token.IssuedAt ?? 0) <= now + leeway && (token.NotBefore ?? 0) <= now + leeway;
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
        long? user = null, session = null, expires = null, notBefore = null, issued = null, authenticated = null;
        string? subject = null, id = null, issuer = null, audience = null, client = null;
        string[]? methods = null;
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
                : reader.ValueTextEquals("auth_time"u8) ? Take(ref reader, ref authenticated)
                : reader.ValueTextEquals("amr"u8) ? Take(ref reader, ref methods)
                : reader.ValueTextEquals("client_id"u8) ? Take(ref reader, ref client)
                : (others ??= []).Add(reader.GetString()!) && reader.Read() && reader.TokenType == JsonTokenType.String;
            if (!isExpected)
                return null;
        }
        // The reader throws when anything follows the object.
        reader.Read();
        return expires is { } end && issuer == options.Value.Issuer && audience == options.Value.Audience
            && user > 0 && session > 0 && (subject is null || subject == user.Value.ToString(CultureInfo.InvariantCulture))
            ? new(user.Value, session.Value, issued, notBefore, end, id, authenticated, methods) : null;
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

    static bool Take(ref Utf8JsonReader reader, ref string[]? claim)
    {
        if (claim is not null || !reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            return false;
        var items = new List<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.String)
            items.Add(reader.GetString()!);
        claim = [.. items];
        return reader.TokenType == JsonTokenType.EndArray;
    }
}
