using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>How often something happened in the current time window, counted across all instances.</summary>
sealed class RateLimit
{
    /// <summary>SHA-256 of the limit and of whom it counts: no address is stored.</summary>
    public required byte[] KeyHash { get; init; }

    public required int Count { get; init; }

    /// <summary>When the window ends and the count restarts, UTC.</summary>
    public required DateTime EndsAt { get; init; }
}

sealed class RateLimitConfiguration : IEntityTypeConfiguration<RateLimit>
{
    public void Configure(EntityTypeBuilder<RateLimit> builder)
    {
        builder.ToTable("rate_limits");
        builder.HasKey(l => l.KeyHash);
        builder.Property(l => l.KeyHash).HasColumnName("key_hash").HasMaxLength(Session.HashLength).ValueGeneratedNever();
        builder.Property(l => l.Count).HasColumnName("count");
        builder.Property(l => l.EndsAt).HasColumnName("ends_at");
        builder.HasIndex(l => l.EndsAt).HasDatabaseName("ix_rate_limits_ends_at");
    }
}
