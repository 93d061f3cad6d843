using System.ComponentModel.DataAnnotations;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Settings of access tokens (JWT, RFC 7519).</summary>
public sealed class JwtOptions
{
    /// <summary>
    /// A key to sign access tokens with (HS256), at least 32 printable ASCII characters. Other services cannot verify such tokens without
    /// being able to issue them.
    /// </summary>
    /// <value>Generated keys sign (ES256): in <c>DataDirectory</c> on SQLite, in a table that all instances read on PostgreSQL</value>
    [SigningSecret]
    public string? SigningKey { get; set; }

    /// <summary>
    /// The previous <c>Jwt__SigningKey</c>, also when there is none now. Its tokens are accepted until they expire; new tokens are not
    /// signed with it.
    /// </summary>
    [SigningSecret]
    public string? PreviousSigningKey { get; set; }

    /// <summary>
    /// The key that encrypts the signing keys, the secrets of webhooks and of authenticator apps and Apple's tokens where they are stored,
    /// at least 32 printable ASCII characters. A copy of the database or of <c>DataDirectory</c> alone then cannot sign tokens or webhooks,
    /// nor make codes.
    /// </summary>
    [SigningSecret]
    public string? KeyEncryptionKey { get; set; }

    /// <summary>How long a generated key signs before the next one does, 1.00:00:00 to 1000.00:00:00.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "1000.00:00:00")]
    public TimeSpan RotationInterval { get; set; } = TimeSpan.FromDays(90);

    /// <summary>How long an access token is valid, 00:01:00 to 30.00:00:00.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The <c>iss</c> claim of access tokens, 1 to 200 characters.</summary>
    [StringLength(200, MinimumLength = 1)]
    public string Issuer { get; set; } = "profiles";

    /// <summary>The <c>aud</c> claim of access tokens, 1 to 200 characters.</summary>
    [StringLength(200, MinimumLength = 1)]
    public string Audience { get; set; } = "profiles";
}

/// <summary>A setting that is a key to sign or encrypt with.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class SigningSecretAttribute()
    : ValidationAttribute("{0} must be at least 32 printable ASCII characters and not a well-known sample.")
{
    public override bool IsValid(object? value) => value is not string secret || SigningKeys.Refusal(secret) is null;
}
