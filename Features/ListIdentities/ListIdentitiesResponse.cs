using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ListIdentities;

/// <summary>The caller's identities, the oldest first.</summary>
sealed record ListIdentitiesResponse([property: MaxLength(Identity.MostPerUser)] IReadOnlyList<ListIdentitiesEntry> Identities);

/// <param name="Id">The id that removes it.</param>
/// <param name="Provider">`apple`, `google`, or the name of another issuer.</param>
/// <param name="Email">The address that the provider gave last, perhaps one of Apple's relay; null without one.</param>
/// <param name="CreatedAt">When it was linked.</param>
/// <param name="LastUsedAt">The last login with it; null before the first.</param>
sealed record ListIdentitiesEntry(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(Identity.ProviderMaxLength)] string Provider,
    [property: MaxLength(User.EmailMaxLength)] string? Email,
    DateTime CreatedAt,
    DateTime? LastUsedAt);
