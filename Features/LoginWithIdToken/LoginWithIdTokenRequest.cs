using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.LoginWithIdToken;

/// <param name="Provider">`apple`, `google`, or the name of another issuer that the service is set up with.</param>
/// <param name="IdToken">The identity token that the provider's SDK gave the app. It is taken once.</param>
/// <param name="Nonce">The random text that the app made for this login; for Apple it gives the SDK the SHA-256 of it.</param>
/// <param name="Name">The person's name for a new account; Apple tells it only to the app, and only the first time.</param>
/// <param name="Device">The device's name for the list of sessions; surrounding spaces are trimmed.</param>
/// <param name="AuthorizationCode">Apple's code, which lets the service revoke Apple's tokens when the account is deleted.</param>
/// <param name="FromGuest">Whether the guest whose access token is sent gets the identity, in place of a new account.</param>
sealed record LoginWithIdTokenRequest(
    string Provider,
    [property: DataType(DataType.Password)] string IdToken,
    string Nonce,
    string? Name = null,
    string? Device = null,
    [property: DataType(DataType.Password)] string? AuthorizationCode = null,
    bool? FromGuest = null);
