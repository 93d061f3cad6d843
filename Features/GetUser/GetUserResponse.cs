using System.ComponentModel.DataAnnotations;
using Profiles.Data;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetUser;

/// <summary>What others may see of a profile whose owner says so.</summary>
/// <param name="Name">As the person writes it.</param>
/// <param name="Username">In lower case.</param>
/// <param name="Bio">Line feeds and tabs are its only control characters.</param>
/// <param name="ImageUrl">Null when there is no image.</param>
/// <param name="Image">Null when there is none.</param>
sealed record GetUserResponse(
    [property: StringLength(UserProfile.NameMaxLength, MinimumLength = 1)] string Name,
    [property: StringLength(UserProfile.UsernameMaxLength, MinimumLength = UserProfile.UsernameMinLength), RegularExpression($"^{ProfileFieldForms.UsernameForm}$")] string Username,
    [property: MaxLength(UserProfile.BioMaxLength), RegularExpression(ProfileFieldForms.BioForm)] string? Bio,
    [property: DataType(DataType.Url)] string? ImageUrl,
    ImageDescription? Image);
