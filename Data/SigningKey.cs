namespace Profiles.Data;

/// <summary>The signing key that the instances on one PostgreSQL share: one row, inserted by the first of them.</summary>
sealed class SigningKey
{
    /// <summary>The id of the only row: of two instances that insert a key at once, the second violates the primary key.</summary>
    public const int OnlyId = 1;

    public const int ValueMaxLength = 400;

    public int Id { get; init; } = OnlyId;

    /// <summary>The key, or the key encrypted under <c>Jwt__KeyEncryptionKey</c>.</summary>
    public required string Value { get; set; }

    /// <summary>UTC.</summary>
    public DateTime CreatedAt { get; init; }
}
