using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

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

sealed class SessionConfiguration : IEntityTypeConfiguration<Session>
{
    public void Configure(EntityTypeBuilder<Session> builder)
    {
        builder.ToTable("sessions");
        builder.Property(s => s.Id).HasColumnName("id");
        builder.Property(s => s.UserId).HasColumnName("user_id");
        builder.Property(s => s.Device).HasColumnName("device").HasMaxLength(Session.DeviceMaxLength);
        builder.Property(s => s.FamilyHash).HasColumnName("family_hash").HasMaxLength(Session.HashLength);
        builder.Property(s => s.TokenHash).HasColumnName("token_hash").HasMaxLength(Session.HashLength);
        builder.Property(s => s.PreviousHash).HasColumnName("previous_hash").HasMaxLength(Session.HashLength);
        builder.Property(s => s.Successor).HasColumnName("successor").HasMaxLength(Session.HashLength);
        builder.Property(s => s.RotatedAt).HasColumnName("rotated_at");
        builder.Property(s => s.CreatedAt).HasColumnName("created_at");
        builder.Property(s => s.LastUsedAt).HasColumnName("last_used_at");
        builder.HasIndex(s => s.FamilyHash).IsUnique().HasDatabaseName("ux_sessions_family_hash");
        builder.HasIndex(s => s.UserId).HasDatabaseName("ix_sessions_user_id");
        builder.HasIndex(s => s.LastUsedAt).HasDatabaseName("ix_sessions_last_used_at");
        builder.HasOne<User>().WithMany().HasForeignKey(s => s.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
