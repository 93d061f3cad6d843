namespace Profiles.Infrastructure.Tokens;

/// <summary>Settings of access tokens (JWT, RFC 7519).</summary>
public sealed class JwtOptions
{
    /// <summary>
    /// The key that signs access tokens, at least 32 printable ASCII characters. The generated key is kept in <c>DataDirectory</c> on
    /// SQLite, and in a row that all instances read on PostgreSQL.
    /// </summary>
    /// <value>Generated at the first start</value>
    public string? SigningKey { get; set; }

    /// <summary>
    /// The key before the present one, of the same form. Its tokens are accepted until they expire; none is signed with it.
    /// </summary>
    public string? PreviousSigningKey { get; set; }

    /// <summary>
    /// The key that encrypts the signing key's row on PostgreSQL, at least 32 printable ASCII characters. A copy of the database alone then
    /// signs nothing.
    /// </summary>
    public string? KeyEncryptionKey { get; set; }

    /// <summary>How long an access token is valid, 00:01:00 to 30.00:00:00.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The <c>iss</c> claim of access tokens, 1 to 200 characters.</summary>
    public string Issuer { get; set; } = "profiles";

    /// <summary>The <c>aud</c> claim of access tokens, 1 to 200 characters.</summary>
    public string Audience { get; set; } = "profiles";
}
