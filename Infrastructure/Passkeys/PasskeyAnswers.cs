using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Profiles.Infrastructure.Passkeys;

/// <summary>
/// A new passkey as the platforms give it, the `RegistrationResponseJSON` of WebAuthn Level 3. Members that are not listed are ignored.
/// </summary>
/// <param name="Id">The credential's id in base64url.</param>
/// <param name="RawId">The same.</param>
/// <param name="Type">Always `public-key`.</param>
/// <param name="Response">What the authenticator made.</param>
sealed record AttestationCredentialRequest(
    [property: JsonPropertyName("id"), RegularExpression(PasskeyAnswer.Form), MaxLength(PasskeyAnswer.IdMaxLength)] string Id,
    [property: JsonPropertyName("rawId"), RegularExpression(PasskeyAnswer.Form), MaxLength(PasskeyAnswer.IdMaxLength)] string RawId,
    [property: JsonPropertyName("type"), AllowedValues("public-key")] string Type,
    [property: JsonPropertyName("response")] AttestationRequest Response);

/// <summary>What the authenticator made.</summary>
/// <param name="ClientDataJson">The client's data in base64url.</param>
/// <param name="AttestationObject">The key and what the authenticator says of it, in base64url.</param>
/// <param name="Transports">How a client may reach the authenticator; unknown ones are ignored.</param>
sealed record AttestationRequest(
    [property: JsonPropertyName("clientDataJSON"), RegularExpression(PasskeyAnswer.Form)] string ClientDataJson,
    [property: JsonPropertyName("attestationObject"), RegularExpression(PasskeyAnswer.Form)] string AttestationObject,
    [property: JsonPropertyName("transports"), MaxLength(PasskeyAnswer.MostTransports)] IReadOnlyList<string>? Transports = null);

/// <summary>
/// A signed login as the platforms give it, the `AuthenticationResponseJSON` of WebAuthn Level 3. Members that are not listed are ignored.
/// </summary>
/// <param name="Id">The credential's id in base64url.</param>
/// <param name="RawId">The same.</param>
/// <param name="Type">Always `public-key`.</param>
/// <param name="Response">What the authenticator signed.</param>
sealed record AssertionCredentialRequest(
    [property: JsonPropertyName("id"), RegularExpression(PasskeyAnswer.Form), MaxLength(PasskeyAnswer.IdMaxLength)] string Id,
    [property: JsonPropertyName("rawId"), RegularExpression(PasskeyAnswer.Form), MaxLength(PasskeyAnswer.IdMaxLength)] string RawId,
    [property: JsonPropertyName("type"), AllowedValues("public-key")] string Type,
    [property: JsonPropertyName("response")] AssertionRequest Response);

/// <summary>What the authenticator signed.</summary>
/// <param name="ClientDataJson">The client's data in base64url.</param>
/// <param name="AuthenticatorData">The authenticator's data in base64url.</param>
/// <param name="Signature">The signature of both in base64url.</param>
/// <param name="UserHandle">Whose passkey it is: the `user.id` of the registration.</param>
sealed record AssertionRequest(
    [property: JsonPropertyName("clientDataJSON"), RegularExpression(PasskeyAnswer.Form)] string ClientDataJson,
    [property: JsonPropertyName("authenticatorData"), RegularExpression(PasskeyAnswer.Form)] string AuthenticatorData,
    [property: JsonPropertyName("signature"), RegularExpression(PasskeyAnswer.Form)] string Signature,
    [property: JsonPropertyName("userHandle"), RegularExpression(PasskeyAnswer.Form)] string UserHandle);
