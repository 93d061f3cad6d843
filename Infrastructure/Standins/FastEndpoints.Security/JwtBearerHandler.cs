using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace FastEndpoints.Security;

/// <summary>Settings of the signing key; the stand-in wants a key resolver instead.</summary>
public sealed class JwtSigningOptions;

/// <summary>Adds bearer authentication.</summary>
public static class AuthExtensions
{
    public static IServiceCollection AddAuthenticationJwtBearer(
        this IServiceCollection services, Action<JwtSigningOptions> signingOptions, Action<JwtBearerOptions>? bearerOptions = null)
    {
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddScheme<JwtBearerOptions, JwtBearerHandler>(JwtBearerDefaults.AuthenticationScheme, o =>
            {
                signingOptions(new());
                o.TokenValidationParameters.ValidateIssuer = o.TokenValidationParameters.ValidateAudience = false;
                bearerOptions?.Invoke(o);
                o.TokenValidationParameters.ValidateAudience = o.TokenValidationParameters.ValidAudience is not null;
                o.TokenValidationParameters.ValidateIssuer = o.TokenValidationParameters.ValidIssuer is not null;
            });
        return services;
    }
}

/// <summary>Reads <c>Authorization: Bearer</c> (RFC 6750) and takes HS256 tokens only (RFC 8725, 3.1).</summary>
sealed class JwtBearerHandler(IOptionsMonitor<JwtBearerOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<JwtBearerOptions>(options, logger, encoder)
{
    const string Prefix = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(AuthenticateResult.NoResult());
        var claims = Read(header[Prefix.Length..].Trim(), Options.TokenValidationParameters);
        return Task.FromResult(claims is null
            ? AuthenticateResult.Fail("The token is not valid.")
            : AuthenticateResult.Success(new(new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name, "name", "role")), Scheme.Name)));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        Response.StatusCode = 401;
        Response.Headers.WWWAuthenticate = result.Failure is null ? "Bearer" : "Bearer error=\"invalid_token\"";
    }

    static List<Claim>? Read(string token, TokenValidationParameters rules)
    {
        var parts = token.Split('.');
        if (parts.Length != 3 || Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } payload || Decode(parts[2]) is not { } mac)
            return null;
        try
        {
            using var head = JsonDocument.Parse(header);
            if (!head.RootElement.TryGetProperty("alg", out var algorithm) || algorithm.ValueKind != JsonValueKind.String || !algorithm.ValueEquals("HS256"))
                return null;
            var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
            if (!rules.IssuerSigningKeyResolver!(token, null, null, rules).OfType<SymmetricSecurityKey>()
                    .Any(k => CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(k.Key, signed), mac)))
                return null;
            using var body = JsonDocument.Parse(payload);
            return Holds(body.RootElement, rules) ? [.. body.RootElement.EnumerateObject().Select(ToClaim)] : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or not an object.
            return null;
        }
    }

    static bool Holds(JsonElement payload, TokenValidationParameters rules)
    {
        if (Time(payload, "exp") is not { } expires)
            return false;
        return rules.LifetimeValidator!(Time(payload, "nbf"), expires, null, rules)
            && (!rules.ValidateIssuer || Text(payload, "iss") == rules.ValidIssuer)
            && (!rules.ValidateAudience || Text(payload, "aud") == rules.ValidAudience);
    }

    static byte[]? Decode(string part)
    {
        // .NET's decoder takes white space and padding; RFC 7515 knows neither.
        if (part.Length == 0 || !part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') || !Base64Url.IsValid(part))
            return null;
        var bytes = Base64Url.DecodeFromChars(part);
        return Base64Url.EncodeToString(bytes) == part ? bytes : null;
    }

    static DateTime? Time(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var seconds) && seconds is >= 0 and < 253402300800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds).UtcDateTime
            : null;

    static string? Text(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static Claim ToClaim(JsonProperty member) => member.Value.ValueKind switch
    {
        JsonValueKind.String => new(member.Name, member.Value.GetString()!),
        JsonValueKind.Number => new(member.Name, member.Value.GetRawText(), ClaimValueTypes.Integer64),
        _ => new(member.Name, member.Value.GetRawText(), "JSON"),
    };
}
