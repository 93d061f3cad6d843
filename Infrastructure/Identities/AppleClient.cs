using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Profiles.Infrastructure.Identities;

/// <summary>What Apple gave for an authorization code.</summary>
/// <param name="RefreshToken">Revokes the app's authorization.</param>
/// <param name="Subject">Whose it is.</param>
sealed record AppleGrant(string RefreshToken, string Subject);

/// <summary>Exchanges and revokes tokens at Apple (Sign in with Apple REST API).</summary>
sealed class AppleClient(ProviderClient client, IOptions<AppleOptions> options, TimeProvider clock)
{
    static readonly JsonWebTokenHandler Writer = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Exchanges an authorization code, which is valid once; null when Apple does not take it.</summary>
    /// <exception cref="HttpRequestException">Apple does not answer as it should.</exception>
    public async Task<AppleGrant?> ExchangeAsync(string clientId, string code, CancellationToken ct)
    {
        using var response = await PostAsync(clientId, "token", new() { ["grant_type"] = "authorization_code", ["code"] = code }, ct);
        var answer = await ReadAsync(response, ct);
        if (response.StatusCode == HttpStatusCode.BadRequest && Text(answer, "error") == "invalid_grant")
            return null;
        return response.IsSuccessStatusCode && Text(answer, "refresh_token") is { Length: > 0 and <= AppleWork.TokenMaxLength } token
            && Text(answer, "id_token") is { } identity && TryReadSubject(identity) is { } subject
            ? new(token, subject)
            : throw new HttpRequestException($"Apple answered {(int)response.StatusCode} {Text(answer, "error")}");
    }

    /// <summary>Revokes a refresh token, and with it the app's authorization.</summary>
    /// <exception cref="HttpRequestException">Apple has not done it.</exception>
    public async Task RevokeAsync(string clientId, string refreshToken, CancellationToken ct)
    {
        using var response = await PostAsync(
            clientId, "revoke", new() { ["token"] = refreshToken, ["token_type_hint"] = "refresh_token" }, ct);
        response.EnsureSuccessStatusCode();
    }

    Task<HttpResponseMessage> PostAsync(string clientId, string action, Dictionary<string, string> form, CancellationToken ct)
    {
        (form["client_id"], form["client_secret"]) = (clientId, Secret(clientId));
        return client.PostAsync($"{options.Value.Issuer}/auth/{action}", form, ct);
    }

    // https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
    string Secret(string clientId)
    {
        using var key = options.Value.ReadPrivateKey();
        var now = clock.GetUtcNow().UtcDateTime;
        return Writer.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.TeamId,
            Audience = options.Value.Issuer,
            IssuedAt = now,
            Expires = now.AddMinutes(5),
            Claims = new Dictionary<string, object> { [JwtRegisteredClaimNames.Sub] = clientId },
            SigningCredentials = new(
                new ECDsaSecurityKey(key)
                {
                    KeyId = options.Value.KeyId,
                    // The next secret is signed with another object.
                    CryptoProviderFactory = new() { CacheSignatureProviders = false },
                },
                SecurityAlgorithms.EcdsaSha256),
        });
    }

    static async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken ct)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<JsonElement>(ct);
        }
        catch (JsonException)
        {
            return default;
        }
    }

    static string? Text(JsonElement answer, string member) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    // Its signature says no more than the connection that it came by.
    static string? TryReadSubject(string token)
    {
        try
        {
            return new JsonWebToken(token).Subject;
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }
}
