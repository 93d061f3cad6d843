using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ListSessions;

/// <summary>Where the caller is logged in, the latest used first.</summary>
sealed record ListSessionsResponse(IReadOnlyList<ListSessionsEntry> Sessions);

/// <param name="Id">For ending it.</param>
/// <param name="Device">What the app calls the phone; null when it did not say.</param>
/// <param name="CreatedAt">When it logged in.</param>
/// <param name="LastUsedAt">When it last logged in or refreshed its token.</param>
/// <param name="Current">Whether it is the caller's own.</param>
sealed record ListSessionsEntry(
    [property: Range(1, double.MaxValue)] long Id, [property: MaxLength(Session.DeviceMaxLength)] string? Device, DateTime CreatedAt, DateTime LastUsedAt, bool Current);
