using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.ChangePassword;

/// <param name="CurrentPassword">The password until now; none where the account has none.</param>
/// <param name="NewPassword">At most 72 bytes of UTF-8; not a very common password, nor the account's own address.</param>
sealed record ChangePasswordRequest(
    [property: DataType(DataType.Password)] string? CurrentPassword, [property: DataType(DataType.Password)] string NewPassword);
