using System.Text.Json;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Editing;

/// <summary>A profile as its owner sees it, whatever the owner has just done with it; what is not known is null.</summary>
record ProfileDescription
{
    public required long Id { get; init; }

    public required string Name { get; init; }

    public required string Email { get; init; }

    /// <summary>Whether the person has shown that the address is theirs.</summary>
    public required bool EmailVerified { get; init; }

    /// <summary>The address that is to replace the present one.</summary>
    public string? PendingEmail { get; init; }

    /// <summary>Where the picture is.</summary>
    public string? ImageUrl { get; init; }

    public ImageDescription? Image { get; init; }

    public string? Username { get; init; }

    public string? Bio { get; init; }

    /// <summary>E.164.</summary>
    public string? Phone { get; init; }

    public DateOnly? BirthDate { get; init; }

    /// <summary>BCP 47.</summary>
    public string? Locale { get; init; }

    /// <summary>A name of the IANA database.</summary>
    public string? TimeZone { get; init; }

    /// <summary>The app's own object.</summary>
    public JsonElement? Metadata { get; init; }

    public required bool IsPublic { get; init; }

    /// <summary>For the API's document.</summary>
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
    };
}
