using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ListSecurityEvents;

/// <summary>What happened to the caller's account in the last 90 days, the latest first.</summary>
sealed record ListSecurityEventsResponse([property: MaxLength(SecurityEvent.MostListed)] IReadOnlyList<ListSecurityEventsEntry> Events);

/// <param name="Kind">
/// Such as `logged_in`, `login_failed`, `session_ended`, `refresh_token_reused`, `password_changed`; more may be added.
/// </param>
/// <param name="At">When it happened.</param>
/// <param name="Device">The device's name in the app; null when it is unknown.</param>
/// <param name="Network">The network of the client's address, such as `203.0.113.0/24`; null when it is unknown.</param>
sealed record ListSecurityEventsEntry(
    [property: RegularExpression("^[a-z_]+$")] string Kind,
    DateTime At,
    [property: MaxLength(Session.DeviceMaxLength)] string? Device,
    [property: MaxLength(SecurityEvent.NetworkMaxLength)] string? Network);
