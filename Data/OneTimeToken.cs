using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>What a <see cref="OneTimeToken"/> authorises. The numbers are in the database.</summary>
enum TokenPurpose
{
    ResetPassword = 1,
    VerifyEmail = 2,
}

/// <summary>The token of a link in a mail, stored as a hash. Using it deletes its row.</summary>
sealed class OneTimeToken
{
    public long Id { get; init; }

    public required long UserId { get; init; }

    public required TokenPurpose Purpose { get; init; }

    /// <summary>SHA-256; unique.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>The normalized address that the mail went to; the token is valid for no other.</summary>
    public required string NormalizedEmail { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime ExpiresAt { get; init; }
}

sealed class OneTimeTokenConfiguration : IEntityTypeConfiguration<OneTimeToken>
{
    public void Configure(EntityTypeBuilder<OneTimeToken> builder)
    {
        builder.ToTable("one_time_tokens");
        builder.Property(t => t.Id).HasColumnName("id");
        builder.Property(t => t.UserId).HasColumnName("user_id");
        builder.Property(t => t.Purpose).HasColumnName("purpose");
        builder.Property(t => t.TokenHash).HasColumnName("token_hash").HasMaxLength(Session.HashLength);
        builder.Property(t => t.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(t => t.ExpiresAt).HasColumnName("expires_at");
        builder.HasIndex(t => t.TokenHash).IsUnique().HasDatabaseName("ux_one_time_tokens_token_hash");
        builder.HasIndex(t => t.UserId).HasDatabaseName("ix_one_time_tokens_user_id");
        builder.HasIndex(t => t.ExpiresAt).HasDatabaseName("ix_one_time_tokens_expires_at");
        builder.HasOne<User>().WithMany().HasForeignKey(t => t.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
