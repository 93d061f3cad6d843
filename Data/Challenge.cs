using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>What a <see cref="Challenge"/> waits for. The numbers are in the database.</summary>
enum ChallengeKind
{
    PasskeyRegistration = 1,
    PasskeyLogin = 2,

    /// <summary>A login that needs a second factor.</summary>
    SecondFactor = 3,

    /// <summary>Not a question: a provider's token that was used, until it expires.</summary>
    SpentIdentityToken = 4,
}

/// <summary>A question that the service has asked and a client must answer soon. Its answer deletes the row.</summary>
sealed class Challenge
{
    public const int DataMaxLength = 8000;

    /// <summary>The tries of a challenge whose answer can be wrong.</summary>
    public const int MostTries = 5;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>SHA-256 of the random bytes that the client was given.</summary>
    public required byte[] Hash { get; init; }

    public required ChallengeKind Kind { get; init; }

    /// <summary>Who must answer; null where the answer says it.</summary>
    public long? UserId { get; init; }

    /// <summary>The session that must answer; null outside of one.</summary>
    public long? SessionId { get; init; }

    /// <summary>What the answer is checked against, as its kind needs it.</summary>
    public required string Data { get; init; }

    public int Tries { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime ExpiresAt { get; init; }
}

sealed class ChallengeConfiguration : IEntityTypeConfiguration<Challenge>
{
    public void Configure(EntityTypeBuilder<Challenge> builder)
    {
        builder.ToTable("challenges");
        builder.HasKey(c => c.Hash);
        builder.Property(c => c.Hash).HasColumnName("hash").HasMaxLength(Session.HashLength).ValueGeneratedNever();
        builder.Property(c => c.Kind).HasColumnName("kind");
        builder.Property(c => c.UserId).HasColumnName("user_id");
        builder.Property(c => c.SessionId).HasColumnName("session_id");
        builder.Property(c => c.Data).HasColumnName("data").HasMaxLength(Challenge.DataMaxLength);
        builder.Property(c => c.Tries).HasColumnName("tries");
        builder.Property(c => c.ExpiresAt).HasColumnName("expires_at");
        builder.HasIndex(c => c.UserId).HasDatabaseName("ix_challenges_user_id");
        builder.HasIndex(c => c.ExpiresAt).HasDatabaseName("ix_challenges_expires_at");
        builder.HasOne<User>().WithMany().HasForeignKey(c => c.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
