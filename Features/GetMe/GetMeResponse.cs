using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetMe;

/// <summary>The caller's own profile (seeds 000, 001 and 002); the picture and its address are null when there is none.</summary>
sealed record GetMeResponse(long Id, string Name, string Email, string? ImageUrl, ImageDescription? Image);
