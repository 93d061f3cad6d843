namespace Profiles.Data;

/// <summary>A key pair that signs access tokens, on PostgreSQL a row that all instances read, on SQLite an entry of a file.</summary>
sealed class RingKey
{
    /// <summary>A SHA-256 thumbprint (RFC 7638) in Base64url.</summary>
    public const int IdLength = 43;

    public const int ValueMaxLength = 1000;

    /// <summary>The <c>kid</c>: the thumbprint of the public key.</summary>
    public required string Id { get; init; }

    /// <summary>The private key (PKCS#8) in Base64url, encrypted under <c>Jwt__KeyEncryptionKey</c> when that is set.</summary>
    public required string Value { get; set; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>From when it signs, UTC; null while it is the next key.</summary>
    public DateTime? ActivatedAt { get; set; }

    /// <summary>From when it no longer signs, UTC; null until then.</summary>
    public DateTime? RetiredAt { get; set; }

    internal bool IsNext => ActivatedAt is null;

    internal bool IsCurrent => ActivatedAt is not null && RetiredAt is null;
}
