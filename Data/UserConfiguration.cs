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
        builder.Property(u => u.EmailVerifiedAt).HasColumnName("email_verified_at");
        builder.Property(u => u.PendingEmail).HasColumnName("pending_email").HasMaxLength(User.EmailMaxLength);
        builder.Property(u => u.PendingSessionId).HasColumnName("pending_session_id");
        builder.Property(u => u.CreatedAt).HasColumnName("created_at");
        builder.HasIndex(u => u.NormalizedEmail).IsUnique().HasDatabaseName("ux_users_normalized_email");
    }
}

sealed class UserProfileConfiguration : IEntityTypeConfiguration<UserProfile>
{
    public const string UsernameIndex = "ux_user_profiles_username";

    public void Configure(EntityTypeBuilder<UserProfile> builder)
    {
        builder.ToTable("user_profiles");
        builder.HasKey(p => p.UserId);
        builder.Property(p => p.UserId).HasColumnName("user_id").ValueGeneratedNever();
        builder.Property(p => p.Name).HasColumnName("name").HasMaxLength(UserProfile.NameMaxLength);
        builder.Property(p => p.Username).HasColumnName("username").HasMaxLength(UserProfile.UsernameMaxLength);
        builder.Property(p => p.Bio).HasColumnName("bio").HasMaxLength(UserProfile.BioMaxLength);
        builder.Property(p => p.Phone).HasColumnName("phone").HasMaxLength(UserProfile.PhoneMaxLength);
        builder.Property(p => p.BirthDate).HasColumnName("birth_date");
        builder.Property(p => p.Locale).HasColumnName("locale").HasMaxLength(UserProfile.LocaleMaxLength);
        builder.Property(p => p.TimeZone).HasColumnName("time_zone").HasMaxLength(UserProfile.TimeZoneMaxLength);
        builder.Property(p => p.Metadata).HasColumnName("metadata").HasMaxLength(UserProfile.MetadataMaxBytes);
        builder.Property(p => p.IsPublic).HasColumnName("is_public");
        builder.HasIndex(p => p.Username).IsUnique().HasDatabaseName(UsernameIndex);
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
        builder.Property(s => s.LastUsedAt).HasColumnName("last_used_at");
        builder.HasIndex(s => s.FamilyHash).IsUnique().HasDatabaseName("ux_sessions_family_hash");
        builder.HasIndex(s => s.UserId).HasDatabaseName("ix_sessions_user_id");
        builder.HasIndex(s => s.LastUsedAt).HasDatabaseName("ix_sessions_last_used_at");
        builder.HasOne<User>().WithMany().HasForeignKey(s => s.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

sealed class SecurityEventConfiguration : IEntityTypeConfiguration<SecurityEvent>
{
    public void Configure(EntityTypeBuilder<SecurityEvent> builder)
    {
        builder.ToTable("security_events");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Kind).HasColumnName("kind");
        builder.Property(e => e.At).HasColumnName("at");
        builder.Property(e => e.Device).HasColumnName("device").HasMaxLength(Session.DeviceMaxLength);
        builder.Property(e => e.Network).HasColumnName("network").HasMaxLength(SecurityEvent.NetworkMaxLength);
        builder.HasIndex(e => new { e.UserId, e.At }).HasDatabaseName("ix_security_events_user_id_at");
        builder.HasIndex(e => e.At).HasDatabaseName("ix_security_events_at");
        builder.HasOne<User>().WithMany().HasForeignKey(e => e.UserId).OnDelete(DeleteBehavior.Cascade);
    }
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

sealed class WaitingRegistrationConfiguration : IEntityTypeConfiguration<WaitingRegistration>
{
    public void Configure(EntityTypeBuilder<WaitingRegistration> builder)
    {
        builder.ToTable("waiting_registrations");
        builder.HasKey(r => r.NormalizedEmail);
        builder.Property(r => r.NormalizedEmail).HasColumnName("normalized_email").HasMaxLength(User.EmailMaxLength).ValueGeneratedNever();
        builder.Property(r => r.Email).HasColumnName("email").HasMaxLength(User.EmailMaxLength);
        builder.Property(r => r.Name).HasColumnName("name").HasMaxLength(UserProfile.NameMaxLength);
        builder.Property(r => r.PasswordHash).HasColumnName("password_hash").HasMaxLength(User.PasswordHashLength);
        builder.Property(r => r.CreatedAt).HasColumnName("created_at");
        builder.Property(r => r.TokenHash).HasColumnName("token_hash").HasMaxLength(Session.HashLength);
        builder.Property(r => r.TokenPurpose).HasColumnName("token_purpose");
        builder.Property(r => r.TokenExpiresAt).HasColumnName("token_expires_at");
        builder.HasIndex(r => r.TokenHash).IsUnique().HasDatabaseName("ux_waiting_registrations_token_hash");
        builder.HasIndex(r => r.CreatedAt).HasDatabaseName("ix_waiting_registrations_created_at");
    }
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

sealed class OutboxEntryConfiguration : IEntityTypeConfiguration<OutboxEntry>
{
    public void Configure(EntityTypeBuilder<OutboxEntry> builder)
    {
        builder.ToTable("outbox");
        builder.Property(e => e.Id).HasColumnName("id");
        builder.Property(e => e.Store).HasColumnName("store");
        builder.Property(e => e.State).HasColumnName("state");
        builder.Property(e => e.UserId).HasColumnName("user_id");
        builder.Property(e => e.Mail).HasColumnName("mail");
        builder.Property(e => e.Key).HasColumnName("key").HasMaxLength(OutboxEntry.KeyMaxLength);
        builder.Property(e => e.Network).HasColumnName("network").HasMaxLength(SecurityEvent.NetworkMaxLength);
        builder.Property(e => e.CreatedAt).HasColumnName("created_at");
        builder.Property(e => e.DueAt).HasColumnName("due_at");
        builder.Property(e => e.Attempts).HasColumnName("attempts");
        builder.HasIndex(e => e.DueAt).HasDatabaseName("ix_outbox_due_at");
        builder.HasIndex(e => e.UserId).HasDatabaseName("ix_outbox_user_id");
    }
}
