using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Profiles.Data;

/// <summary>What a user shows: a name, perhaps an image, and optional fields.</summary>
sealed class UserProfile
{
    public const int NameMaxLength = 100;

    public const int UsernameMinLength = 3, UsernameMaxLength = 30;

    public const int BioMaxLength = 500;

    /// <summary>E.164: a plus sign and at most fifteen digits.</summary>
    public const int PhoneMaxLength = 16;

    /// <summary>RFC 5646, 4.4.1 recommends 35.</summary>
    public const int LocaleMaxLength = 35;

    /// <summary>The longest name in the IANA database has 32 characters.</summary>
    public const int TimeZoneMaxLength = 64;

    /// <summary>In bytes of UTF-8.</summary>
    public const int MetadataMaxBytes = 16 * 1024;

    /// <summary>Nobody alive was born earlier.</summary>
    public static readonly DateOnly EarliestBirthDate = new(1900, 1, 1);

    public long UserId { get; init; }

    public required string Name { get; set; }

    /// <summary>Lower case; unique. Null when the person has none.</summary>
    public string? Username { get; set; }

    public string? Bio { get; set; }

    /// <summary>E.164.</summary>
    public string? Phone { get; set; }

    public DateOnly? BirthDate { get; set; }

    /// <summary>BCP 47.</summary>
    public string? Locale { get; set; }

    /// <summary>A name of the IANA database.</summary>
    public string? TimeZone { get; set; }

    /// <summary>The app's own JSON object; null when there is none.</summary>
    public string? Metadata { get; set; }

    /// <summary>Whether others may see the public part under the username.</summary>
    public bool IsPublic { get; set; }

    /// <summary>Null when there is none.</summary>
    public ProfileImage? Image { get; set; }

    /// <summary>Counts the changes; the concurrency token.</summary>
    public int Version { get; private set; }

    /// <summary>UTC.</summary>
    public DateTime UpdatedAt { get; private set; }

    /// <summary>The form in which two spellings of one username are equal. Usernames are ASCII (the validators refuse others).</summary>
    [return: NotNullIfNotNull(nameof(username))]
    public static string? Normalize(string? username) => username?.ToLowerInvariant();

    /// <summary>Sets what only <see cref="Touch"/> changes, for a profile read without EF Core.</summary>
    public UserProfile AsStored(int version, DateTime updatedAt)
    {
        (Version, UpdatedAt) = (version, updatedAt);
        return this;
    }

    /// <summary>Records a change; the context calls it on save.</summary>
    public void Touch(DateTime utcNow)
    {
        Version++;
        UpdatedAt = utcNow;
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
