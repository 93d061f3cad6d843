using System.ComponentModel.DataAnnotations;
using Profiles.Data;

namespace Profiles.Features.ConfirmTotp;

/// <param name="RecoveryCodes">Each logs in once in place of the app. They are not shown again: print them, or keep them apart.</param>
sealed record ConfirmTotpResponse([property: MaxLength(RecoveryCode.PerUser)] IReadOnlyList<string> RecoveryCodes);
