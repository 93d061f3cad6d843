namespace Profiles.Features.GetMe;

/// <summary>The caller's own profile (seeds 000, 001 and 002); the picture's address is null when there is none.</summary>
sealed record GetMeResponse(long Id, string Name, string Email, string? ImageUrl);
