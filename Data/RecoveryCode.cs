using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>A code on paper that stands in for a lost second factor once. Using it deletes the row.</summary>
sealed class RecoveryCode
{
    /// <summary>How many a user gets at a time.</summary>
    public const int PerUser = 10;

    public long Id { get; init; }

    public required long UserId { get; init; }

    /// <summary>SHA-256 of the user's id and the code, which has 80 random bits; unique.</summary>
    public required byte[] CodeHash { get; init; }
}

sealed class RecoveryCodeConfiguration : IEntityTypeConfiguration<RecoveryCode>
{
    public void Configure(EntityTypeBuilder<RecoveryCode> builder)
    {
        builder.ToTable("recovery_codes");
        builder.Property(c => c.Id).HasColumnName("id");
        builder.Property(c => c.UserId).HasColumnName("user_id");
        builder.Property(c => c.CodeHash).HasColumnName("code_hash").HasMaxLength(Session.HashLength);
        builder.HasIndex(c => c.CodeHash).IsUnique().HasDatabaseName("ux_recovery_codes_code_hash");
        builder.HasIndex(c => c.UserId).HasDatabaseName("ix_recovery_codes_user_id");
        builder.HasOne<User>().WithMany().HasForeignKey(c => c.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
