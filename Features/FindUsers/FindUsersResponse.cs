using System.ComponentModel.DataAnnotations;
using Profiles.Data;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.FindUsers;

/// <param name="Users">The accounts.</param>
/// <param name="NextCursor">Continues the list; null at its end.</param>
sealed record FindUsersResponse(
    [property: MaxLength(Page.MostLimit)] IReadOnlyList<FindUsersEntry> Users,
    [property: MaxLength(Page.CursorMaxLength)] string? NextCursor);

/// <param name="Id">The user's id.</param>
/// <param name="Email">As the person wrote it; null for an account without an address.</param>
/// <param name="EmailVerifiedAt">Null while the address is not confirmed.</param>
/// <param name="Name">The profile's name.</param>
/// <param name="Username">Null when the user has chosen none.</param>
/// <param name="ExternalId">The id in the service that the account was imported from; null for others.</param>
/// <param name="CreatedAt">When the account was registered or imported.</param>
/// <param name="DisabledAt">Null while the account is enabled.</param>
/// <param name="GuestSince">Null for an account that has a way in.</param>
sealed record FindUsersEntry(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(User.EmailMaxLength)] string? Email,
    DateTime? EmailVerifiedAt,
    [property: MaxLength(UserProfile.NameMaxLength)] string Name,
    [property: MaxLength(UserProfile.UsernameMaxLength)] string? Username,
    [property: MaxLength(User.ExternalIdMaxLength)] string? ExternalId,
    DateTime CreatedAt,
    DateTime? DisabledAt,
    DateTime? GuestSince);
