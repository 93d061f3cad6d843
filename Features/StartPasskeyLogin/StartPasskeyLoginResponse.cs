using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Profiles.Infrastructure.Passkeys;

namespace Profiles.Features.StartPasskeyLogin;

/// <summary>The `PublicKeyCredentialRequestOptionsJSON` of WebAuthn Level 3, as the platforms' own calls take it.</summary>
/// <param name="Challenge">Random bytes in base64url, valid for `timeout` and for one answer.</param>
/// <param name="Timeout">Milliseconds.</param>
/// <param name="RpId">The domain that passkeys belong to.</param>
/// <param name="UserVerification">Always `required`: a passkey is two factors.</param>
sealed record StartPasskeyLoginResponse(
    [property: JsonPropertyName("challenge"), RegularExpression(PasskeyAnswer.Form)] string Challenge,
    [property: JsonPropertyName("timeout")] int Timeout,
    [property: JsonPropertyName("rpId")] string RpId,
    [property: JsonPropertyName("userVerification"), AllowedValues("required")] string UserVerification);
