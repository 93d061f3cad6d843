using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>
/// What an operator did, and when: a row of the audit log, which the database refuses to change. It has no address, and outlives the user.
/// </summary>
sealed class AuditEntry
{
    public const int ActorMaxLength = 150;

    public const int ActionMaxLength = 50;

    public const int DetailMaxLength = 500;

    public long Id { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime At { get; init; }

    /// <summary><c>key:</c> and the name of an admin key, or <c>command:</c> and the name of the operating system's user.</summary>
    public required string Actor { get; init; }

    /// <summary>Such as <c>user.disabled</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The user whom it concerns; null when it concerns none.</summary>
    public long? UserId { get; init; }

    /// <summary>More of it, such as the name of a key; null when there is none.</summary>
    public string? Detail { get; init; }

    /// <summary>An entry as it fits: the name of the operating system's user may have any length.</summary>
    public static AuditEntry Of(DateTime at, string actor, string action, long? userId, string? detail) => new()
    {
        At = at,
        Actor = Cut(actor, ActorMaxLength),
        Action = action,
        UserId = userId,
        Detail =
            detail is null ? null : Cut(detail, DetailMaxLength),
    };

    static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}

sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        builder.ToTable("audit_log");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.At).HasColumnName("at");
        builder.Property(e => e.Actor).HasColumnName("actor").HasMaxLength(AuditEntry.ActorMaxLength);
        builder.Property(e => e.Action).HasColumnName("action").HasMaxLength(AuditEntry.ActionMaxLength);
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Detail).HasColumnName("detail").HasMaxLength(AuditEntry.DetailMaxLength);
        builder.HasIndex(e => e.At).HasDatabaseName("ix_audit_log_at");
        builder.HasIndex(e => new { e.UserId, e.Id }).HasDatabaseName("ix_audit_log_user_id_id");
    }
}
