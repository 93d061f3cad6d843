using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Login;

/// <param name="Email">The account's address. Case-insensitive; surrounding blanks are trimmed.</param>
/// <param name="Password">The account's password.</param>
/// <param name="Device">The device's name for the list of sessions; surrounding spaces are trimmed.</param>
sealed record LoginRequest(string Email, [property: DataType(DataType.Password)] string Password, string? Device = null);
