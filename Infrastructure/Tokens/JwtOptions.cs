namespace Profiles.Infrastructure.Tokens;

/// <summary>Settings of the access tokens (RFC 7519).</summary>
public sealed class JwtOptions
{
    /// <summary>At least 32 ASCII characters. Null: one is made at the first start and kept, on SQLite in the data directory, on PostgreSQL in a row that all instances read.</summary>
    public string? SigningKey { get; set; }

    /// <summary>The key before the present one: its tokens are honoured until they expire, none is signed with it.</summary>
    public string? PreviousSigningKey { get; set; }

    /// <summary>At least 32 ASCII characters. With it the signing key's row on PostgreSQL is encrypted: who reads the database alone cannot sign.</summary>
    public string? KeyEncryptionKey { get; set; }

    /// <summary>How long a token is valid.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    public string Issuer { get; set; } = "profiles";

    public string Audience { get; set; } = "profiles";
}
