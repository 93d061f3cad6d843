using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Profiles.Data;
using Profiles.Infrastructure.Validation;

namespace Profiles.Infrastructure.Identities;

/// <summary>Verifies identity tokens (OpenID Connect Core 3.1.3.7, RFC 8725) that an app got from a provider's SDK.</summary>
sealed class IdentityTokens(ProviderKeys keys, TimeProvider clock)
{
    /// <summary>How far the provider's clock may differ.</summary>
    static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    /// <summary>As long as Apple's, the longest: each is remembered until it expires.</summary>
    static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(1);

    // What OpenID Connect knows and providers use: no secret, which would have to be ours too, and never none.
    static readonly string[] Algorithms =
        [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256];

    static readonly JsonWebTokenHandler Handler = new();

    /// <summary>
    /// Returns what a token says; null unless the provider issued it for an app of ours, for this nonce, and it is valid now.
    /// </summary>
    /// <inheritdoc cref="ProviderKeys.FindAsync" path="/exception" />
    public async Task<IdentityClaims?> VerifyAsync(IdentityProvider provider, string token, string nonce, CancellationToken ct)
    {
        // A stranger's text costs no question to the provider.
        if (Read(token) is not { } unverified || !Algorithms.Contains(unverified.Alg) || !provider.Issuers.Contains(unverified.Issuer))
            return null;
        var signers = await keys.FindAsync(provider, unverified.Kid is { Length: > 0 } kid ? kid : null, ct);
        var result = await Handler.ValidateTokenAsync(unverified, new()
        {
            ValidAlgorithms = Algorithms,
            IssuerSigningKeyResolver = (_, _, _, _) => signers,
            TryAllIssuerSigningKeys = false,
            ValidIssuers = provider.Issuers,
            ValidAudiences = provider.Audiences,
            LifetimeValidator = (notBefore, expires, _, _) => IsInTime(unverified.IssuedAt, notBefore, expires),
        });
        return result.IsValid && IsIdentityToken(unverified) && HasNonce(unverified, provider, nonce)
            && Audience(unverified, provider) is { } audience
            && unverified.Subject is { Length: > 0 and <= Identity.SubjectMaxLength } subject && !VisibleText.HasControls(subject)
            ? Claims(unverified, provider, subject, audience) : null;
    }

    static JsonWebToken? Read(string token)
    {
        try
        {
            return new(token);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }

    bool IsInTime(DateTime issued, DateTime? notBefore, DateTime? expires)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now - Leeway && expires <= now + LongestLifetime + Leeway && issued > DateTime.MinValue && issued <= now + Leeway
            && (notBefore is null || notBefore <= now + Leeway);
    }

    // Access tokens of some issuers are for the app as well, and have a nonce: their types tell (RFC 9068; Keycloak's claim).
    static bool IsIdentityToken(JsonWebToken token) =>
        (string.IsNullOrEmpty(token.Typ) || token.Typ.Equals("JWT", StringComparison.OrdinalIgnoreCase))
        && Text(token, "typ") is null or "ID";

    static bool HasNonce(JsonWebToken token, IdentityProvider provider, string nonce)
    {
        var sent = Encoding.UTF8.GetBytes(nonce);
        var expected = provider.HashesNonce ? Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(sent))) : sent;
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Text(token, JwtRegisteredClaimNames.Nonce) ?? ""), expected);
    }

    // Of several audiences one must be the app that asked for it. Beside a single one Google's azp names the Android app.
    static string? Audience(JsonWebToken token, IdentityProvider provider) =>
        token.Audiences.ToArray() is [var single] ? single
        : Text(token, JwtRegisteredClaimNames.Azp) is { } party && provider.Audiences.Contains(party) ? party : null;

    static IdentityClaims Claims(JsonWebToken token, IdentityProvider provider, string subject, string audience)
    {
        var email = Text(token, JwtRegisteredClaimNames.Email) is { } address && ProfileRules.IsEmailAddress(address) ? address : null;
        var name = Text(token, JwtRegisteredClaimNames.Name)?.Trim() is { } text && ProfileRules.IsPersonName(text) ? text : "";
        var proof = email is null || !IsVerified(token) ? EmailProof.None : provider.Trust switch
        {
            EmailTrust.None => EmailProof.Claimed,
            EmailTrust.OwnDomains when !IsOfGoogle(email, token) => EmailProof.Verified,
            _ => EmailProof.Owned,
        };
        // Without the signature, which has other spellings.
        var signed = token.EncodedToken[..token.EncodedToken.LastIndexOf('.')];
        var hash = SHA256.HashData(Encoding.ASCII.GetBytes(signed));
        return new(provider.Name, subject, audience, email, proof, name, hash, token.ValidTo + Leeway);
    }

    // Apple has sent both the truth value and its text.
    static bool IsVerified(JsonWebToken token) => token.TryGetPayloadValue<object>("email_verified", out var value)
        && (value is true || (value is string text && text.Equals("true", StringComparison.OrdinalIgnoreCase)));

    // Gmail's, and those of a hosted domain (https://developers.google.com/identity/gsi/web/guides/verify-google-id-token).
    static bool IsOfGoogle(string email, JsonWebToken token) =>
        email.EndsWith("@gmail.com", StringComparison.OrdinalIgnoreCase) || Text(token, "hd") is { Length: > 0 };

    static string? Text(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue<object>(claim, out var value) ? value as string : null;
}
