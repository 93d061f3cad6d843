using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Register;

/// <summary>The new user.</summary>
/// <param name="Name">
/// Surrounding spaces are trimmed and not counted. At least one visible letter, digit or symbol; nothing that changes the direction of the
/// text. Only with `from_guest` it may be absent: the guest keeps the present one.
/// </param>
/// <param name="Email">Case-insensitive; surrounding blanks are trimmed and not counted.</param>
/// <param name="Password">At most 72 bytes of UTF-8; characters beyond ASCII take two to four.</param>
/// <param name="FromGuest">
/// Whether the guest whose access token is sent gets the address and the password, in place of a new account.
/// </param>
sealed record RegisterRequest(
    string? Name, string Email, [property: DataType(DataType.Password)] string Password, bool? FromGuest = null);
