namespace Profiles.Data;

/// <summary>What a <see cref="OneTimeToken"/> is good for. The numbers are in the database.</summary>
enum TokenPurpose
{
    ResetPassword = 1,
    VerifyEmail = 2,
}

/// <summary>The token of a link in a mail, of which only the hash is kept: it is used by removing its row.</summary>
sealed class OneTimeToken
{
    public long Id { get; init; }

    public required long UserId { get; init; }

    public required TokenPurpose Purpose { get; init; }

    /// <summary>SHA-256; unique.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>The address that the mail went to, as it is compared: the token speaks for no other.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime ExpiresAt { get; init; }
}
