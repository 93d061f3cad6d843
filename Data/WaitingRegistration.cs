using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>
/// A registration whose address is not confirmed yet, where addresses must be verified. It becomes an account when the token of its mail is
/// used; registering the address again replaces it (docs/adr/0008-e-mail-verification.md).
/// </summary>
sealed class WaitingRegistration
{
    /// <summary>The address in the form that is compared: one registration waits for each.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary>The address as the person wrote it, trimmed.</summary>
    public required string Email { get; init; }

    public required string Name { get; init; }

    /// <summary>In modular crypt format. Its random salt also distinguishes this registration from an earlier one.</summary>
    public required string PasswordHash { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>SHA-256 of the only valid token; null until a mail is sent. Unique.</summary>
    public byte[]? TokenHash { get; init; }

    public TokenPurpose? TokenPurpose { get; init; }

    /// <summary>UTC.</summary>
    public DateTime? TokenExpiresAt { get; init; }
}

sealed class WaitingRegistrationConfiguration : IEntityTypeConfiguration<WaitingRegistration>
{
    public void Configure(EntityTypeBuilder<WaitingRegistration> builder)
    {
        builder.ToTable("waiting_registrations");
        builder.HasKey(r => r.NormalizedEmail);
        builder.Property(r => r.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength).ValueGeneratedNever();
        builder.Property(r => r.Email).HasColumnName("email").HasMaxLength(User.EmailMaxLength);
        builder.Property(r => r.Name).HasColumnName("name").HasMaxLength(UserProfile.NameMaxLength);
        builder.Property(r => r.PasswordHash).HasColumnName("password_hash").HasMaxLength(User.PasswordHashLength);
        builder.Property(r => r.CreatedAt).HasColumnName("created_at");
        builder.Property(r => r.TokenHash).HasColumnName("token_hash").HasMaxLength(Session.HashLength);
        builder.Property(r => r.TokenPurpose).HasColumnName("token_purpose");
        builder.Property(r => r.TokenExpiresAt).HasColumnName("token_expires_at");
        builder.HasIndex(r => r.TokenHash).IsUnique().HasDatabaseName("ux_waiting_registrations_token_hash");
        builder.HasIndex(r => r.CreatedAt).HasDatabaseName("ix_waiting_registrations_created_at");
    }
}
