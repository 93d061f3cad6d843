using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.ChangePassword;

/// <param name="CurrentPassword">The one in force.</param>
/// <param name="NewPassword">At most 72 bytes of UTF-8; not among the most common ones, nor one's own address.</param>
sealed record ChangePasswordRequest([property: DataType(DataType.Password)] string CurrentPassword, [property: DataType(DataType.Password)] string NewPassword);
