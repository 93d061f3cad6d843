using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.DeleteMe;

/// <param name="Password">
/// The caller's password: an unlocked phone alone is not enough to delete an account. An account without a password sends none.
/// </param>
sealed record DeleteMeRequest([property: DataType(DataType.Password)] string? Password = null);
