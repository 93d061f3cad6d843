using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>A passkey of a user (WebAuthn Level 3): the public half of a key that the person's devices keep.</summary>
sealed class Passkey
{
    public const int NameMaxLength = 100;

    public const string DefaultName = "Passkey";

    /// <summary>The longest id that WebAuthn allows.</summary>
    public const int CredentialIdMaxLength = 1023;

    public const int PublicKeyMaxLength = 2000;

    public const int TransportsMaxLength = 100;

    public const int UserHandleLength = 32;

    /// <summary>What WebAuthn allows, and other services may have used.</summary>
    public const int UserHandleMaxLength = 64;

    /// <summary>In text, with hyphens.</summary>
    public const int AaguidLength = 36;

    public const int MostPerUser = 20;

    public long Id { get; init; }

    public required long UserId { get; init; }

    /// <summary>The authenticator's own id of the key; unique.</summary>
    public required byte[] CredentialId { get; init; }

    /// <summary>Bytes that stand for the user in authenticators, the same in all passkeys of a user; random, unless imported.</summary>
    public required byte[] UserHandle { get; init; }

    /// <summary>In COSE form (RFC 9052).</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>The authenticator's last signature counter; 0 for those that do not count.</summary>
    public required long SignCount { get; set; }

    /// <summary>The authenticator's model; all zero where it does not say.</summary>
    public required Guid Aaguid { get; init; }

    /// <summary>How a client may reach the authenticator, separated by spaces.</summary>
    public required string Transports { get; init; }

    /// <summary>Whether it may be copied to other devices of the person.</summary>
    public required bool IsBackupEligible { get; init; }

    public required bool IsBackedUp { get; set; }

    /// <summary>The name that the person gave it.</summary>
    public required string Name { get; set; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>The last login, UTC; null until the first.</summary>
    public DateTime? LastUsedAt { get; set; }
}

sealed class PasskeyConfiguration : IEntityTypeConfiguration<Passkey>
{
    public void Configure(EntityTypeBuilder<Passkey> builder)
    {
        builder.ToTable("passkeys");
        builder.Property(p => p.Id).HasColumnName("id");
        builder.Property(p => p.UserId).HasColumnName("user_id");
        builder.Property(p => p.CredentialId).HasColumnName("credential_id").HasMaxLength(Passkey.CredentialIdMaxLength);
        builder.Property(p => p.UserHandle).HasColumnName("user_handle").HasMaxLength(Passkey.UserHandleMaxLength);
        builder.Property(p => p.PublicKey).HasColumnName("public_key").HasMaxLength(Passkey.PublicKeyMaxLength);
        builder.Property(p => p.SignCount).HasColumnName("sign_count");
        builder.Property(p => p.Aaguid).HasColumnName("aaguid").HasConversion<string>().HasMaxLength(Passkey.AaguidLength);
        builder.Property(p => p.Transports).HasColumnName("transports").HasMaxLength(Passkey.TransportsMaxLength);
        builder.Property(p => p.IsBackupEligible).HasColumnName("is_backup_eligible");
        builder.Property(p => p.IsBackedUp).HasColumnName("is_backed_up");
        builder.Property(p => p.Name).HasColumnName("name").HasMaxLength(Passkey.NameMaxLength);
        builder.Property(p => p.CreatedAt).HasColumnName("created_at");
        builder.Property(p => p.LastUsedAt).HasColumnName("last_used_at");
        builder.HasIndex(p => p.CredentialId).IsUnique().HasDatabaseName("ux_passkeys_credential_id");
        builder.HasIndex(p => p.UserId).HasDatabaseName("ix_passkeys_user_id");
        builder.HasOne<User>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
