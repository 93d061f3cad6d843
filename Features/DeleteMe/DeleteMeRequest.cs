using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.DeleteMe;

/// <param name="Password">The caller's own: a phone that lies about unlocked is not enough to delete an account.</param>
sealed record DeleteMeRequest([property: DataType(DataType.Password)] string Password);
