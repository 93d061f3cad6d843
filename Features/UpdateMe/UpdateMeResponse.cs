using Profiles.Infrastructure.Images;

namespace Profiles.Features.UpdateMe;

/// <summary>The seeds' message and the profile as it is now.</summary>
sealed record UpdateMeResponse(string Message, long Id, string Name, string Email, bool EmailVerified, string? PendingEmail, string? ImageUrl, ImageDescription? Image);
