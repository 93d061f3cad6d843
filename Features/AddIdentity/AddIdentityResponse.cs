using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.AddIdentity;

/// <param name="Id">The id that removes it.</param>
/// <param name="Provider">`apple`, `google`, or the name of another issuer.</param>
/// <param name="Email">The address that the provider gave; null without one.</param>
/// <param name="CreatedAt">When it was linked.</param>
sealed record AddIdentityResponse(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(Identity.ProviderMaxLength)] string Provider,
    [property: MaxLength(User.EmailMaxLength)] string? Email,
    DateTime CreatedAt);
