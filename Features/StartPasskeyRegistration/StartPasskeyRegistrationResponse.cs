using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Profiles.Data;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.StartPasskeyRegistration;

/// <summary>The `PublicKeyCredentialCreationOptionsJSON` of WebAuthn Level 3, as the platforms' own calls take it.</summary>
/// <param name="Rp">This service.</param>
/// <param name="User">The caller, as authenticators show them.</param>
/// <param name="Challenge">Random bytes in base64url, valid for `timeout` and for one answer.</param>
/// <param name="PubKeyCredParams">The accepted kinds of keys.</param>
/// <param name="Timeout">Milliseconds.</param>
/// <param name="ExcludeCredentials">The caller's passkeys: an authenticator makes no second one.</param>
/// <param name="AuthenticatorSelection">What the authenticator must do.</param>
/// <param name="Attestation">Always `none`.</param>
sealed record StartPasskeyRegistrationResponse(
    [property: JsonPropertyName("rp")] StartPasskeyRegistrationParty Rp,
    [property: JsonPropertyName("user")] StartPasskeyRegistrationUser User,
    [property: JsonPropertyName("challenge"), RegularExpression(PasskeyAnswer.Form)] string Challenge,
    [property: JsonPropertyName("pubKeyCredParams")] IReadOnlyList<StartPasskeyRegistrationKey> PubKeyCredParams,
    [property: JsonPropertyName("timeout")] int Timeout,
    [property: JsonPropertyName("excludeCredentials"), MaxLength(Passkey.MostPerUser)]
        IReadOnlyList<StartPasskeyRegistrationCredential> ExcludeCredentials,
    [property: JsonPropertyName("authenticatorSelection")] StartPasskeyRegistrationSelection AuthenticatorSelection,
    [property: JsonPropertyName("attestation"), AllowedValues("none")] string Attestation);

/// <param name="Id">The domain that passkeys belong to.</param>
/// <param name="Name">The app's name.</param>
sealed record StartPasskeyRegistrationParty(
    [property: JsonPropertyName("id")] string Id, [property: JsonPropertyName("name")] string Name);

/// <param name="Id">Random bytes in base64url that stand for the user in authenticators; they say nothing.</param>
/// <param name="Name">The address, or the profile's name where there is none.</param>
/// <param name="DisplayName">The profile's name.</param>
sealed record StartPasskeyRegistrationUser(
    [property: JsonPropertyName("id"), RegularExpression(PasskeyAnswer.Form)] string Id,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("displayName")] string DisplayName);

/// <param name="Type">Always `public-key`.</param>
/// <param name="Alg">An algorithm of COSE.</param>
sealed record StartPasskeyRegistrationKey(
    [property: JsonPropertyName("type"), AllowedValues("public-key")] string Type,
    [property: JsonPropertyName("alg"), Range(-65535, 0)] int Alg);

/// <param name="Type">Always `public-key`.</param>
/// <param name="Id">The passkey's id in base64url.</param>
/// <param name="Transports">How a client may reach the authenticator.</param>
sealed record StartPasskeyRegistrationCredential(
    [property: JsonPropertyName("type"), AllowedValues("public-key")] string Type,
    [property: JsonPropertyName("id"), RegularExpression(PasskeyAnswer.Form)] string Id,
    [property: JsonPropertyName("transports")] IReadOnlyList<string> Transports);

/// <param name="ResidentKey">Always `required`: a login needs no address.</param>
/// <param name="RequireResidentKey">The same for older clients.</param>
/// <param name="UserVerification">Always `required`: a passkey is two factors.</param>
sealed record StartPasskeyRegistrationSelection(
    [property: JsonPropertyName("residentKey"), AllowedValues("required")] string ResidentKey,
    [property: JsonPropertyName("requireResidentKey")] bool RequireResidentKey,
    [property: JsonPropertyName("userVerification"), AllowedValues("required")] string UserVerification);
