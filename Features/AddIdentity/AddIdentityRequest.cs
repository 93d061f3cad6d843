using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.AddIdentity;

/// <param name="Provider">`apple`, `google`, or the name of another issuer that the service is set up with.</param>
/// <param name="IdToken">The identity token that the provider's SDK gave the app. It is taken once.</param>
/// <param name="Nonce">The random text that the app made for it; for Apple it gives the SDK the SHA-256 of it.</param>
/// <param name="AuthorizationCode">Apple's code, which lets the service revoke Apple's tokens when the account is deleted.</param>
sealed record AddIdentityRequest(
    string Provider,
    [property: DataType(DataType.Password)] string IdToken,
    string Nonce,
    [property: DataType(DataType.Password)] string? AuthorizationCode = null);
