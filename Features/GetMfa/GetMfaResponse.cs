using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.GetMfa;

/// <param name="TotpEnabled">Whether logging in takes a code of an authenticator app.</param>
/// <param name="ConfirmedAt">Since when; null while it does not.</param>
/// <param name="RecoveryCodesLeft">How many recovery codes have not been used.</param>
sealed record GetMfaResponse(
    bool TotpEnabled,
    DateTime? ConfirmedAt,
    [property: Range(0, RecoveryCode.PerUser)] int RecoveryCodesLeft);
