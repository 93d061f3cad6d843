namespace Profiles.Data;

/// <summary>
/// A registration whose address nobody has confirmed, where addresses must be verified. It is no account: it becomes one when the token of its mail comes back,
/// and whoever registers the address again replaces it (docs/adr/0008-e-mail-verification.md).
/// </summary>
sealed class WaitingRegistration
{
    /// <summary>The address as it is compared: one registration waits for it.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary>The address as the person wrote it, less the blanks around it.</summary>
    public required string Email { get; init; }

    public required string Name { get; init; }

    /// <summary>In modular crypt format. Its salt is random, so that it also tells this registration from the one before it.</summary>
    public required string PasswordHash { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>SHA-256 of the one token that is good; null until a mail is sent. Unique.</summary>
    public byte[]? TokenHash { get; init; }

    public TokenPurpose? TokenPurpose { get; init; }

    /// <summary>UTC.</summary>
    public DateTime? TokenExpiresAt { get; init; }
}
