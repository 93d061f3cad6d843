using System.ComponentModel.DataAnnotations;
using Profiles.Data;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetUser;

/// <summary>The public part of a profile.</summary>
/// <param name="Name">As the user writes it; empty until then.</param>
/// <param name="Username">In lower case.</param>
/// <param name="Bio">Line feeds and tabs are its only control characters.</param>
/// <param name="ImageUrl">Null when there is no image.</param>
/// <param name="Image">Null when there is none.</param>
sealed record GetUserResponse(
    [property: MaxLength(UserProfile.NameMaxLength)] string Name,
    [property: StringLength(UserProfile.UsernameMaxLength, MinimumLength = UserProfile.UsernameMinLength),
        RegularExpression($"^{ProfileFormats.UsernamePattern}$")] string Username,
    [property: MaxLength(UserProfile.BioMaxLength), RegularExpression(ProfileFormats.BioPattern)] string? Bio,
    [property: DataType(DataType.Url)] string? ImageUrl,
    ImageDescription? Image);
