using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>
/// A device that is logged in. Of its refresh token only a hash is stored, SHA-256 of 256 random bits, and of the previous one too; for a
/// while the current token is stored encrypted with the previous one, so that a lost answer can be repeated and is distinguished from a
/// stolen token (docs/adr/0007-refresh-rotation.md).
/// </summary>
sealed class Session
{
    public const int DeviceMaxLength = 100;

    public const int MethodsMaxLength = 50;

    /// <summary>Bytes of a SHA-256 hash.</summary>
    public const int HashLength = 32;

    public long Id { get; init; }

    public required long UserId { get; init; }

    /// <summary>The name that the app gave the device; null when it gave none.</summary>
    public string? Device { get; init; }

    /// <summary>Hash of the part that all of the session's tokens share; unique.</summary>
    public required byte[] FamilyHash { get; init; }

    /// <summary>Hash of the current token's secret.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>Hash of the previous secret; null until the first rotation.</summary>
    public byte[]? PreviousHash { get; init; }

    /// <summary>
    /// The current secret, encrypted with the previous one, which is not stored: a client that sends that gets this again.
    /// </summary>
    public byte[]? Successor { get; init; }

    /// <summary>When the current token replaced the previous one, UTC.</summary>
    public DateTime? RotatedAt { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>
    /// When the person last proved who they are, UTC; null in a row of an older version, which did so at <see cref="CreatedAt"/>.
    /// </summary>
    public DateTime? AuthenticatedAt { get; init; }

    /// <summary>How they did so (RFC 8176), separated by spaces; null in a row of an older version.</summary>
    public string? Methods { get; init; }

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
        builder.Property(s => s.AuthenticatedAt).HasColumnName("authenticated_at");
        builder.Property(s => s.Methods).HasColumnName("methods").HasMaxLength(Session.MethodsMaxLength);
        builder.Property(s => s.LastUsedAt).HasColumnName("last_used_at");
        builder.HasIndex(s => s.FamilyHash).IsUnique().HasDatabaseName("ux_sessions_family_hash");
        builder.HasIndex(s => s.UserId).HasDatabaseName("ix_sessions_user_id");
        builder.HasIndex(s => s.LastUsedAt).HasDatabaseName("ix_sessions_last_used_at");
        // Of the few sessions that rotated in the last hour: the cleanup looks for them among all.
        builder.HasIndex(s => s.RotatedAt).HasFilter("successor IS NOT NULL").HasDatabaseName("ix_sessions_rotated_at");
        builder.HasOne<User>().WithMany().HasForeignKey(s => s.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
