namespace Profiles.Features.ListSecurityEvents;

/// <summary>What happened to the caller's account in the last 90 days, the latest first.</summary>
sealed record ListSecurityEventsResponse(IReadOnlyList<ListSecurityEventsEntry> Events);

/// <param name="Kind">Such as <c>logged_in</c>.</param>
/// <param name="At">When.</param>
/// <param name="Device">What the app calls the phone; null when it is not known.</param>
/// <param name="Network">The network of the client's address, such as <c>203.0.113.0/24</c>; null when it is not known.</param>
sealed record ListSecurityEventsEntry(string Kind, DateTime At, string? Device, string? Network);
