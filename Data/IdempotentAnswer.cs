using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>
/// The answer to a request with an <c>Idempotency-Key</c>: the same request again gets the same answer and has no second effect
/// (draft-ietf-httpapi-idempotency-key-header).
/// </summary>
sealed class IdempotentAnswer
{
    public const int HeadersMaxLength = 1000;

    public static readonly TimeSpan Retention = TimeSpan.FromHours(24);

    /// <summary>SHA-256 of the user, the route and the key.</summary>
    public required byte[] KeyHash { get; init; }

    /// <summary>The caller, so that the row is deleted with the account; null where nobody was logged in.</summary>
    public long? UserId { get; init; }

    /// <summary>
    /// HMAC-SHA-256 of the body, keyed with the signing key and the idempotency key: another body under the same key is refused.
    /// </summary>
    public required byte[] RequestHash { get; init; }

    /// <summary>Null while the first request is in progress.</summary>
    public int? Status { get; init; }

    /// <summary>The answer's headers, a line each.</summary>
    public string? Headers { get; init; }

    public byte[]? Body { get; init; }

    /// <summary>UTC; a row without an answer that is older than any request can be is abandoned.</summary>
    public required DateTime CreatedAt { get; init; }
}

sealed class IdempotentAnswerConfiguration : IEntityTypeConfiguration<IdempotentAnswer>
{
    public void Configure(EntityTypeBuilder<IdempotentAnswer> builder)
    {
        builder.ToTable("idempotent_answers");
        builder.HasKey(a => a.KeyHash);
        builder.Property(a => a.KeyHash).HasColumnName("key_hash").HasMaxLength(Session.HashLength).ValueGeneratedNever();
        builder.Property(a => a.UserId).HasColumnName("user_id");
        builder.Property(a => a.RequestHash).HasColumnName("request_hash").HasMaxLength(Session.HashLength);
        builder.Property(a => a.Status).HasColumnName("status");
        builder.Property(a => a.Headers).HasColumnName("headers").HasMaxLength(IdempotentAnswer.HeadersMaxLength);
        builder.Property(a => a.Body).HasColumnName("body");
        builder.Property(a => a.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(a => a.CreatedAt).HasDatabaseName("ix_idempotent_answers_created_at");
        builder.HasIndex(a => a.UserId).HasDatabaseName("ix_idempotent_answers_user_id");
        builder.HasOne<User>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
