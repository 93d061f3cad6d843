namespace Profiles.Features.StartGuest;

/// <param name="Device">The device's name for the list of sessions; surrounding spaces are trimmed.</param>
/// <param name="Name">The person's name; surrounding spaces are trimmed. The profile can get one later.</param>
sealed record StartGuestRequest(string? Device = null, string? Name = null);
