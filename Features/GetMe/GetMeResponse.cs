using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetMe;

/// <summary>The caller's own profile (seeds 000, 001 and 002), with the address that is to replace the present one; that, the picture and its address are null when there is none.</summary>
sealed record GetMeResponse(long Id, string Name, string Email, bool EmailVerified, string? PendingEmail, string? ImageUrl, ImageDescription? Image);
