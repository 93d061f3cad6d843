namespace Profiles.Features.Login;

sealed record LoginRequest(string Email, string Password);
