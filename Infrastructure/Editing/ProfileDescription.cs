using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Editing;

/// <summary>A profile as its owner sees it; fields without a value are null.</summary>
record ProfileDescription
{
    [Range(1, double.MaxValue)]
    public required long Id { get; init; }

    [MaxLength(UserProfile.NameMaxLength)]
    public required string Name { get; init; }

    /// <summary>As the user wrote it.</summary>
    [MaxLength(User.EmailMaxLength), DataType(DataType.EmailAddress)]
    public required string? Email { get; init; }

    /// <summary>Whether the user has confirmed the address.</summary>
    public required bool EmailVerified { get; init; }

    /// <summary>The address that replaces `email` once it is confirmed; null when there is none.</summary>
    [MaxLength(User.EmailMaxLength), DataType(DataType.EmailAddress)]
    public string? PendingEmail { get; init; }

    /// <summary>Null when there is no image.</summary>
    [DataType(DataType.Url)]
    public string? ImageUrl { get; init; }

    /// <summary>Null when there is no image.</summary>
    public ImageDescription? Image { get; init; }

    /// <summary>Case-insensitive; stored in lower case.</summary>
    [StringLength(UserProfile.UsernameMaxLength, MinimumLength = UserProfile.UsernameMinLength),
        RegularExpression($"^{ProfileFormats.UsernamePattern}$")]
    public string? Username { get; init; }

    /// <summary>Line feeds and tabs are its only control characters.</summary>
    [MaxLength(UserProfile.BioMaxLength), RegularExpression(ProfileFormats.BioPattern)]
    public string? Bio { get; init; }

    /// <summary>E.164.</summary>
    [MaxLength(UserProfile.PhoneMaxLength), RegularExpression($"^{ProfileFormats.PhonePattern}$")]
    public string? Phone { get; init; }

    /// <summary>Not before 1900, and not in the future.</summary>
    public DateOnly? BirthDate { get; init; }

    /// <summary>A well-formed language tag (BCP 47).</summary>
    [StringLength(UserProfile.LocaleMaxLength, MinimumLength = 2), RegularExpression($"^{ProfileFormats.LocalePattern}$")]
    public string? Locale { get; init; }

    /// <summary>A name of the IANA time zone database.</summary>
    [StringLength(UserProfile.TimeZoneMaxLength, MinimumLength = 2), RegularExpression($"^{ProfileFormats.TimeZonePattern}$")]
    public string? TimeZone { get; init; }

    /// <summary>The app's own object: at most 16384 bytes as JSON in UTF-8, no NUL characters.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Whether `/users/{username}` shows the public part to everybody.</summary>
    public required bool IsPublic { get; init; }

    /// <summary>Whether the account has no way in yet but the session of this device.</summary>
    public required bool IsGuest { get; init; }

    /// <summary>The example of the API document.</summary>
    public static ProfileDescription Example { get; } = new()
    {
        Id = 1,
        Name = "John Doe",
        Email = "john@example.com",
        EmailVerified = true,
        ImageUrl = ImageDescription.Example.Url,
        Image = ImageDescription.Example,
        Username = "john.doe",
        Bio = "Climbs things.",
        Phone = "+4915112345678",
        BirthDate = new(1990, 5, 17),
        Locale = "de-AT",
        TimeZone = "Europe/Vienna",
        Metadata = MetadataText.Read("""{"theme":"dark"}"""),
        IsPublic = true,
        IsGuest = false,
    };

    public static ProfileDescription Of(User user, ImageAddress address) => new()
    {
        Id = user.Id,
        Name = user.Profile.Name,
        Email = user.Email,
        EmailVerified = user.EmailVerifiedAt is not null,
        PendingEmail = user.PendingEmail,
        ImageUrl = address.Of(user.Profile.Image),
        Image = address.Describe(user.Profile.Image),
        Username = user.Profile.Username,
        Bio = user.Profile.Bio,
        Phone = user.Profile.Phone,
        BirthDate = user.Profile.BirthDate,
        Locale = user.Profile.Locale,
        TimeZone = user.Profile.TimeZone,
        Metadata = MetadataText.Read(user.Profile.Metadata),
        IsPublic = user.Profile.IsPublic,
        IsGuest = user.GuestSince is not null,
    };
}
