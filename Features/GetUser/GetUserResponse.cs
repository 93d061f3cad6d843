using Profiles.Infrastructure.Images;

namespace Profiles.Features.GetUser;

/// <summary>What others may see of a profile whose owner says so.</summary>
sealed record GetUserResponse(string Name, string Username, string? Bio, string? ImageUrl, ImageDescription? Image);
