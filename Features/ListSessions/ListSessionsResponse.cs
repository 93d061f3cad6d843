using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ListSessions;

/// <summary>The caller's sessions, the latest used first.</summary>
sealed record ListSessionsResponse(IReadOnlyList<ListSessionsEntry> Sessions);

/// <param name="Id">The id that ends it.</param>
/// <param name="Device">The device's name in the app; null when the app sent none.</param>
/// <param name="CreatedAt">When the session began.</param>
/// <param name="LastUsedAt">When the session began or last refreshed its token.</param>
/// <param name="Current">Whether it is the session of the access token.</param>
sealed record ListSessionsEntry(
    [property: Range(1, double.MaxValue)] long Id,
    [property: MaxLength(Session.DeviceMaxLength)] string? Device,
    DateTime CreatedAt,
    DateTime LastUsedAt,
    bool Current);
