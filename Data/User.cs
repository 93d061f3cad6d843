using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>
/// An account with its first ways in, an e-mail address and the hash of a password; an <see cref="Identity"/> and a <see cref="Passkey"/>
/// are others. What others may see of the person is the <see cref="UserProfile"/>.
/// </summary>
sealed class User
{
    /// <summary>The longest address that RFC 5321 allows.</summary>
    public const int EmailMaxLength = 254;

    /// <summary>bcrypt ignores any further bytes; a longer password is refused, never cut.</summary>
    public const int PasswordMaxBytes = 72;

    /// <summary>A bcrypt hash in modular crypt format is always this long.</summary>
    public const int PasswordHashLength = 60;

    /// <summary>An imported hash of another service, with its parameters, until the first login replaces it.</summary>
    public const int ImportedHashMaxLength = 500;

    public const int ExternalIdMaxLength = 255;

    public long Id { get; init; }

    /// <summary>The address as the person wrote it, trimmed; null for a guest and for an account that came without one.</summary>
    public string? Email { get; set; }

    /// <summary>The address in the form that is compared; unique. Null with <see cref="Email"/>.</summary>
    public string? NormalizedEmail { get; set; }

    /// <summary>
    /// In modular crypt format; that of an imported user in the format of its import. Empty for an account without a password.
    /// </summary>
    public string PasswordHash { get; set; } = "";

    /// <summary>The user's id in the service that the account was imported from; unique. Null for all others.</summary>
    public string? ExternalId { get; init; }

    /// <summary>When an operator disabled the account, UTC; null while it is enabled. A disabled account has no session.</summary>
    public DateTime? DisabledAt { get; set; }

    /// <summary>When somebody began to use the app without any way in, UTC; null once there is one.</summary>
    public DateTime? GuestSince { get; set; }

    /// <summary>When the address was verified, UTC; null until then.</summary>
    public DateTime? EmailVerifiedAt { get; set; }

    /// <summary>The address that replaces the present one once it is verified; null when none is pending.</summary>
    public string? PendingEmail { get; set; }

    /// <summary>
    /// The session that requested <see cref="PendingEmail"/> with the password; it stays when the change ends the others.
    /// </summary>
    public long? PendingSessionId { get; set; }

    /// <summary>UTC.</summary>
    public DateTime CreatedAt { get; init; }

    public required UserProfile Profile { get; init; }

    /// <summary>
    /// The form in which two spellings of one address are equal. Addresses are ASCII (the validators refuse others), so both databases
    /// agree.
    /// </summary>
    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>Sets the address in both forms.</summary>
    public void ChangeEmail(string email)
    {
        Email = email.Trim();
        NormalizedEmail = Normalize(email);
    }

    /// <summary>Records that the address is the user's, who has a way in by it and is no guest any more.</summary>
    public void ConfirmEmail(DateTime at)
    {
        EmailVerifiedAt = at;
        GuestSince = null;
    }
}

sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> builder)
    {
        builder.ToTable("users");
        builder.Property(u => u.Id).HasColumnName("id");
        builder.Property(u => u.Email).HasColumnName("email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.PasswordHash).HasColumnName("password_hash").HasMaxLength(User.ImportedHashMaxLength);
        builder.Property(u => u.ExternalId).HasColumnName("external_id").HasMaxLength(User.ExternalIdMaxLength);
        builder.Property(u => u.DisabledAt).HasColumnName("disabled_at");
        builder.Property(u => u.GuestSince).HasColumnName("guest_since");
        builder.Property(u => u.EmailVerifiedAt).HasColumnName("email_verified_at");
        builder.Property(u => u.PendingEmail).HasColumnName("pending_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.PendingSessionId).HasColumnName("pending_session_id");
        builder.Property(u => u.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(u => u.NormalizedEmail).IsUnique().HasDatabaseName("ux_users_normalized_email");
        // Most accounts have none; statistics over many equal values would keep SQLite from using the index.
        builder.HasIndex(u => u.ExternalId).IsUnique().HasFilter("external_id IS NOT NULL").HasDatabaseName("ux_users_external_id");
        // An operator's list of all accounts ends with these.
        builder.HasIndex(u => u.Id).HasFilter("normalized_email IS NULL").HasDatabaseName("ix_users_without_address");
        builder.HasIndex(u => u.GuestSince).HasFilter("guest_since IS NOT NULL").HasDatabaseName("ix_users_guest_since");
    }
}
