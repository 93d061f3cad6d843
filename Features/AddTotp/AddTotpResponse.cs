using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.AddTotp;

/// <param name="Secret">In Base32, for people who cannot scan: 30 seconds, six digits.</param>
/// <param name="Uri">The text of the QR code that an authenticator app scans.</param>
sealed record AddTotpResponse(
    [property: RegularExpression("^[A-Z2-7]{32}$")] string Secret,
    [property: RegularExpression("^otpauth://totp/")] string Uri);
