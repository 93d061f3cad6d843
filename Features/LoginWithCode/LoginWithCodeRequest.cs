namespace Profiles.Features.LoginWithCode;

/// <param name="RequestToken">From the answer of `POST /login/code`.</param>
/// <param name="Email">The address that the code was sent to. Case-insensitive; surrounding blanks are trimmed.</param>
/// <param name="Code">The six digits of the mail; blanks between them do not count.</param>
/// <param name="Device">The device's name for the list of sessions; surrounding spaces are trimmed.</param>
/// <param name="Name">The person's name, for a new account; it is empty without one, and ignored where there is an account.</param>
/// <param name="FromGuest">Whether the guest whose access token is sent gets the address, in place of a new account.</param>
sealed record LoginWithCodeRequest(
    string RequestToken, string Email, string Code, string? Device = null, string? Name = null, bool? FromGuest = null);
