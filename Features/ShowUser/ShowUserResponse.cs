using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ShowUser;

/// <summary>An account as its operator sees it.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Email">As the person wrote it; null for an account without an address.</param>
/// <param name="EmailVerifiedAt">Null while the address is not confirmed.</param>
/// <param name="PendingEmail">The address that replaces the present one once it is confirmed; null when none is pending.</param>
/// <param name="Name">The profile's name.</param>
/// <param name="Username">Null when the user has chosen none.</param>
/// <param name="IsPublic">Whether everybody sees the profile, as far as the account is enabled.</param>
/// <param name="ImageUrl">Null when there is no image.</param>
/// <param name="ExternalId">The id in the service that the account was imported from; null for others.</param>
/// <param name="CreatedAt">When the account was registered or imported.</param>
/// <param name="UpdatedAt">When the profile changed last.</param>
/// <param name="DisabledAt">Null while the account is enabled.</param>
/// <param name="GuestSince">Null for an account that has a way in.</param>
/// <param name="HasPassword">Whether a password logs in to it.</param>
/// <param name="Identities">The providers that log in to it, one for each identity.</param>
/// <param name="Passkeys">How many there are.</param>
/// <param name="HasSecondFactor">Whether logging in takes a code of an authenticator app.</param>
/// <param name="Sessions">How many devices are logged in.</param>
/// <param name="LastUsedAt">The last login or refresh of these; null when there is none.</param>
sealed record ShowUserResponse(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(User.EmailMaxLength)] string? Email,
    DateTime? EmailVerifiedAt,
    [property: MaxLength(User.EmailMaxLength)] string? PendingEmail,
    [property: MaxLength(UserProfile.NameMaxLength)] string Name,
    [property: MaxLength(UserProfile.UsernameMaxLength)] string? Username,
    bool IsPublic,
    [property: DataType(DataType.Url)] string? ImageUrl,
    [property: MaxLength(User.ExternalIdMaxLength)] string? ExternalId,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    DateTime? DisabledAt,
    DateTime? GuestSince,
    bool HasPassword,
    [property: MaxLength(Identity.MostPerUser)] IReadOnlyList<string> Identities,
    int Passkeys,
    bool HasSecondFactor,
    int Sessions,
    DateTime? LastUsedAt);
