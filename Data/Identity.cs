using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>An account elsewhere (Apple, Google, another OpenID Connect issuer) whose owner may log in here.</summary>
sealed class Identity
{
    public const int ProviderMaxLength = 50;

    /// <summary>The longest subject that OpenID Connect Core allows.</summary>
    public const int SubjectMaxLength = 255;

    public const int RefreshTokenMaxLength = 2000;

    /// <summary>More than a person has.</summary>
    public const int MostPerUser = 20;

    public long Id { get; init; }

    public required long UserId { get; init; }

    /// <summary>The provider's name in the settings.</summary>
    public required string Provider { get; init; }

    /// <summary>The provider's own, lasting id of the person (`sub`); unique with the provider.</summary>
    public required string Subject { get; init; }

    /// <summary>The address that the provider gave, for the person to recognise the account by; null when it gave none.</summary>
    public string? Email { get; set; }

    /// <summary>UTC.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>The last login, UTC; null until the first.</summary>
    public DateTime? LastUsedAt { get; set; }

    /// <summary>What revokes the provider's consent when the account goes, encrypted when a key for that is set. Apple's only.</summary>
    public string? RefreshToken { get; set; }
}

sealed class IdentityConfiguration : IEntityTypeConfiguration<Identity>
{
    public void Configure(EntityTypeBuilder<Identity> builder)
    {
        builder.ToTable("identities");
        builder.Property(i => i.Id).HasColumnName("id");
        builder.Property(i => i.UserId).HasColumnName("user_id");
        builder.Property(i => i.Provider).HasColumnName("provider").HasMaxLength(Identity.ProviderMaxLength);
        builder.Property(i => i.Subject).HasColumnName("subject").HasMaxLength(Identity.SubjectMaxLength);
        builder.Property(i => i.Email).HasColumnName("email").HasMaxLength(User.EmailMaxLength);
        builder.Property(i => i.CreatedAt).HasColumnName("created_at");
        builder.Property(i => i.LastUsedAt).HasColumnName("last_used_at");
        builder.Property(i => i.RefreshToken).HasColumnName("refresh_token").HasMaxLength(Identity.RefreshTokenMaxLength);
        builder.HasIndex(i => new { i.Provider, i.Subject }).IsUnique().HasDatabaseName("ux_identities_provider_subject");
        builder.HasIndex(i => i.UserId).HasDatabaseName("ix_identities_user_id");
        builder.HasOne<User>().WithMany().HasForeignKey(i => i.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
