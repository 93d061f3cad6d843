using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Login;

/// <param name="Email">Of the account. Compared without regard to case; blanks around it are cut off.</param>
/// <param name="Password">Of the account.</param>
/// <param name="Device">What the app calls the phone, for the list of sessions; spaces around it are cut off.</param>
sealed record LoginRequest(string Email, [property: DataType(DataType.Password)] string Password, string? Device = null);
