namespace Profiles.Features.Register;

/// <summary>Who wants to join (seed 001).</summary>
sealed record RegisterRequest(string Name, string Email, string Password);
