using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

sealed class UserConfiguration : IEntityTypeConfiguration<User>
{
    public void Configure(EntityTypeBuilder<User> builder)
    {
        builder.ToTable("users");
        builder.Property(u => u.Id).HasColumnName("id");
        builder.Property(u => u.Email).HasColumnName("email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.PasswordHash).HasColumnName("password_hash").HasMaxLength(User.PasswordHashLength);
        builder.Property(u => u.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(u => u.NormalizedEmail).IsUnique().HasDatabaseName("ux_users_normalized_email");
    }
}

sealed class UserProfileConfiguration : IEntityTypeConfiguration<UserProfile>
{
    public void Configure(EntityTypeBuilder<UserProfile> builder)
    {
        builder.ToTable("user_profiles");
        builder.HasKey(p => p.UserId);
        builder.Property(p => p.UserId).HasColumnName("user_id").ValueGeneratedNever();
        builder.Property(p => p.Name).HasColumnName("name").HasMaxLength(UserProfile.NameMaxLength);
        builder.ComplexProperty(p => p.Image, image =>
        {
            image.Property(i => i.Key).HasColumnName("image_key").HasMaxLength(ProfileImage.KeyMaxLength);
            image.Property(i => i.Url).HasColumnName("image_url").HasMaxLength(ProfileImage.UrlMaxLength);
            image.Property(i => i.Width).HasColumnName("image_width");
            image.Property(i => i.Height).HasColumnName("image_height");
            image.Property(i => i.Bytes).HasColumnName("image_bytes");
            image.Property(i => i.Thumbhash).HasColumnName("image_thumbhash").HasMaxLength(ProfileImage.ThumbhashMaxLength);
            image.Property(i => i.DominantColor).HasColumnName("image_dominant_color").HasMaxLength(ProfileImage.DominantColorMaxLength);
            image.Property(i => i.UpdatedAt).HasColumnName("image_updated_at");
        });
        builder.Property(p => p.Version).HasColumnName("version").IsConcurrencyToken();
        builder.Property(p => p.UpdatedAt).HasColumnName("updated_at");
        builder.HasOne<User>().WithOne(u => u.Profile).HasForeignKey<UserProfile>(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

sealed class OutboxEntryConfiguration : IEntityTypeConfiguration<OutboxEntry>
{
    public void Configure(EntityTypeBuilder<OutboxEntry> builder)
    {
        builder.ToTable("outbox");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.Store).HasColumnName("store");
        builder.Property(e => e.State).HasColumnName("state");
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Key).HasColumnName("key").HasMaxLength(ProfileImage.KeyMaxLength);
        builder.Property(e => e.CreatedAt).HasColumnName("created_at");
        builder.Property(e => e.DueAt).HasColumnName("due_at");
        builder.Property(e => e.Attempts).HasColumnName("attempts");
        builder.HasIndex(e => e.DueAt).HasDatabaseName("ix_outbox_due_at");
    }
}
