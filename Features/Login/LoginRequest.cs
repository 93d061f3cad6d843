namespace Profiles.Features.Login;

/// <param name="Email">Of the account.</param>
/// <param name="Password">Of the account.</param>
/// <param name="Device">What the app calls the phone, for the list of sessions.</param>
sealed record LoginRequest(string Email, string Password, string? Device = null);
