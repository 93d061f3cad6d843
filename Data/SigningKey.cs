namespace Profiles.Data;

/// <summary>The signing key that instances on one PostgreSQL share: one row, made by the first of them.</summary>
sealed class SigningKey
{
    /// <summary>The only row's id: of two instances that make a key at once, the second finds it taken.</summary>
    public const int OnlyId = 1;

    public const int ValueMaxLength = 400;

    public int Id { get; init; } = OnlyId;

    /// <summary>The key, or the key encrypted under <c>Jwt__KeyEncryptionKey</c>.</summary>
    public required string Value { get; set; }

    /// <summary>UTC.</summary>
    public DateTime CreatedAt { get; init; }
}
