namespace Profiles.Data;

/// <summary>
/// One phone that is logged in. Of its refresh token a hash is kept, SHA-256 of 256 random bits; that of the one before too, and for a while the present one
/// encrypted with it, so that a lost reply can be given again and told from a stolen token (docs/adr/0007-refresh-rotation.md).
/// </summary>
sealed class Session
{
    public const int DeviceMaxLength = 100;

    /// <summary>Of SHA-256, in bytes.</summary>
    public const int HashLength = 32;

    public long Id { get; init; }

    public required long UserId { get; init; }

    /// <summary>What the app calls the phone; null when it did not say.</summary>
    public string? Device { get; init; }

    /// <summary>Hash of the part that all of its tokens have in common; unique.</summary>
    public required byte[] FamilyHash { get; init; }

    /// <summary>Hash of the secret of the token that is in force.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>Hash of the secret before it; null until the first rotation.</summary>
    public byte[]? PreviousHash { get; init; }

    /// <summary>The secret in force, encrypted with the one before it, which is not kept: whoever has that can be told again.</summary>
    public byte[]? Successor { get; init; }

    /// <summary>When the token in force replaced the one before it, UTC.</summary>
    public DateTime? RotatedAt { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>The last login or refresh, UTC.</summary>
    public required DateTime LastUsedAt { get; init; }
}
