using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace FastEndpoints.Security;

/// <summary>What a new token holds.</summary>
public sealed class JwtCreationOptions
{
    /// <summary>The HMAC-SHA256 key, taken as ASCII.</summary>
    public string SigningKey { get; set; } = null!;

    public UserPrivileges User { get; } = new();

    public string? Issuer { get; set; }

    public string? Audience { get; set; }

    public DateTime? ExpireAt { get; set; }
}

/// <summary>Makes bearer tokens (RFC 7519, HS256).</summary>
public static class JwtBearer
{
    static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <summary>Makes one.</summary>
    public static string CreateToken(Action<JwtCreationOptions> options)
    {
        var o = new JwtCreationOptions();
        options(o);
        var now = (MainExtensions.ApplicationServices?.GetService<TimeProvider>() ?? TimeProvider.System).GetUtcNow();
        using var payload = new MemoryStream();
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            foreach (var claim in o.User.Claims)
            {
                json.WritePropertyName(claim.Type);
                if (claim.ValueType is ClaimValueTypes.Integer64 or ClaimValueTypes.Integer or ClaimValueTypes.Integer32)
                    json.WriteNumberValue(long.Parse(claim.Value, provider: null));
                else
                    json.WriteStringValue(claim.Value);
            }
            if (o.Issuer is not null)
                json.WriteString("iss", o.Issuer);
            if (o.Audience is not null)
                json.WriteString("aud", o.Audience);
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteNumber("nbf", now.ToUnixTimeSeconds());
            if (o.ExpireAt is { } expiry)
                json.WriteNumber("exp", new DateTimeOffset(expiry.ToUniversalTime()).ToUnixTimeSeconds());
            json.WriteEndObject();
        }
        var signed = $"{Header}.{Base64Url.EncodeToString(payload.GetBuffer().AsSpan(0, (int)payload.Length))}";
        var mac = HMACSHA256.HashData(Encoding.ASCII.GetBytes(o.SigningKey), Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Base64Url.EncodeToString(mac)}";
    }
}

/// <summary>The short form that takes a type and a value.</summary>
public static class ClaimListExtensions
{
    public static void Add(this List<Claim> list, params (string claimType, string claimValue)[] claims) =>
        list.AddRange(claims.Select(c => new Claim(c.claimType, c.claimValue)));
}
