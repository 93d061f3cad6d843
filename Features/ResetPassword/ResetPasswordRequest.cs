using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.ResetPassword;

/// <param name="Token">Out of a mail.</param>
/// <param name="NewPassword">At most 72 bytes of UTF-8; not among the most common ones, nor one's own address.</param>
sealed record ResetPasswordRequest(string Token, [property: DataType(DataType.Password)] string NewPassword);
