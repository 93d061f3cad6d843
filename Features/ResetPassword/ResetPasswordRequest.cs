using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.ResetPassword;

/// <param name="Token">The token from the mail.</param>
/// <param name="NewPassword">At most 72 bytes of UTF-8; not a very common password, nor the account's own address.</param>
sealed record ResetPasswordRequest(string Token, [property: DataType(DataType.Password)] string NewPassword);
