namespace Profiles.Features.Register;

sealed record RegisterResponse(long Id, string Message);
