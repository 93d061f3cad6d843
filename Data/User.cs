using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>Who may log in: an e-mail address and the hash of a password. What others may see of the person is the <see cref="UserProfile"/>.</summary>
sealed class User
{
    /// <summary>RFC 5321 leaves 254 characters for an address.</summary>
    public const int EmailMaxLength = 254;

    /// <summary>bcrypt reads no more bytes than these; a longer password is refused, never cut.</summary>
    public const int PasswordMaxBytes = 72;

    /// <summary>A bcrypt hash in modular crypt format is always this long.</summary>
    public const int PasswordHashLength = 60;

    public long Id { get; init; }

    /// <summary>The address as the person wrote it, less the blanks around it.</summary>
    public required string Email { get; set; }

    /// <summary>The address as it is compared; unique.</summary>
    public required string NormalizedEmail { get; set; }

    /// <summary>In modular crypt format.</summary>
    public string PasswordHash { get; set; } = "";

    /// <summary>When the person showed that the address is theirs, UTC; null until then.</summary>
    public DateTime? EmailVerifiedAt { get; set; }

    /// <summary>The address that is to replace the present one when the person has shown that it is theirs; null when none is.</summary>
    public string? PendingEmail { get; set; }

    /// <summary>The session that asked for <see cref="PendingEmail"/> with the password: it is not ended when the address comes into force.</summary>
    public long? PendingSessionId { get; set; }

    /// <summary>UTC.</summary>
    public DateTime CreatedAt { get; init; }

    public required UserProfile Profile { get; init; }

    /// <summary>The form in which two spellings of one address are equal. Addresses are ASCII (the validators refuse others), so this is the same on every database.</summary>
    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>Takes a new address in both its forms.</summary>
    public void ChangeEmail(string email)
    {
        Email = email.Trim();
        NormalizedEmail = Normalize(email);
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
        builder.Property(u => u.PasswordHash).HasColumnName("password_hash").HasMaxLength(User.PasswordHashLength);
        builder.Property(u => u.EmailVerifiedAt).HasColumnName("email_verified_at");
        builder.Property(u => u.PendingEmail).HasColumnName("pending_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.PendingSessionId).HasColumnName("pending_session_id");
        builder.Property(u => u.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(u => u.NormalizedEmail).IsUnique().HasDatabaseName("ux_users_normalized_email");
    }
}
