using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>A user's second factor: an app that shows codes by time (TOTP, RFC 6238).</summary>
sealed class SecondFactor
{
    public const int SecretMaxLength = 300;

    public required long UserId { get; init; }

    /// <summary>What the app and the service share, in Base32, encrypted when a key for that is set.</summary>
    public required string Secret { get; set; }

    /// <summary>When a first code proved that the app has the secret, UTC; until then logins do not ask for it.</summary>
    public DateTime? ConfirmedAt { get; set; }

    /// <summary>The time step of the last code: none is accepted twice. Null before the first.</summary>
    public long? LastStep { get; set; }
}

sealed class SecondFactorConfiguration : IEntityTypeConfiguration<SecondFactor>
{
    public void Configure(EntityTypeBuilder<SecondFactor> builder)
    {
        builder.ToTable("second_factors");
        builder.HasKey(f => f.UserId);
        builder.Property(f => f.UserId).HasColumnName("user_id").ValueGeneratedNever();
        builder.Property(f => f.Secret).HasColumnName("secret").HasMaxLength(SecondFactor.SecretMaxLength);
        builder.Property(f => f.ConfirmedAt).HasColumnName("confirmed_at");
        builder.Property(f => f.LastStep).HasColumnName("last_step");
        builder.HasOne<User>().WithOne().HasForeignKey<SecondFactor>(f => f.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}
