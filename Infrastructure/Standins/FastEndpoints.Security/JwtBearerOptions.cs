using Microsoft.IdentityModel.Tokens;

namespace Microsoft.AspNetCore.Authentication.JwtBearer
{
    /// <summary>The scheme's name.</summary>
    public static class JwtBearerDefaults
    {
        public const string AuthenticationScheme = "Bearer";
    }

    /// <summary>How bearer tokens are judged.</summary>
    public class JwtBearerOptions : AuthenticationSchemeOptions
    {
        public TokenValidationParameters TokenValidationParameters { get; set; } = new();
    }
}

namespace Microsoft.IdentityModel.Tokens
{
    /// <summary>A key.</summary>
    public abstract class SecurityKey;

    /// <summary>A secret key of an HMAC.</summary>
    public class SymmetricSecurityKey(byte[] key) : SecurityKey
    {
        public virtual byte[] Key => key;
    }

    /// <summary>A token; the stand-in hands none out.</summary>
    public abstract class SecurityToken;

    /// <summary>Says which keys a token may be signed with.</summary>
    public delegate IEnumerable<SecurityKey> IssuerSigningKeyResolver(
        string token, SecurityToken? securityToken, string? kid, TokenValidationParameters validationParameters);

    /// <summary>Says whether a token's times hold; the stand-in wants one.</summary>
    public delegate bool LifetimeValidator(
        DateTime? notBefore, DateTime? expires, SecurityToken? securityToken, TokenValidationParameters validationParameters);

    /// <summary>What a token must meet.</summary>
    public class TokenValidationParameters
    {
        public IssuerSigningKeyResolver? IssuerSigningKeyResolver { get; set; }

        public LifetimeValidator? LifetimeValidator { get; set; }

        public bool ValidateIssuer { get; set; } = true;

        public string? ValidIssuer { get; set; }

        public bool ValidateAudience { get; set; } = true;

        public string? ValidAudience { get; set; }

        public IEnumerable<string>? ValidAlgorithms { get; set; }
    }
}
