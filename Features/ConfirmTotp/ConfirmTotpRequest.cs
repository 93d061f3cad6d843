namespace Profiles.Features.ConfirmTotp;

/// <param name="Code">The six digits that the app shows.</param>
sealed record ConfirmTotpRequest(string Code);
