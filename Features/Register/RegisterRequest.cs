using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.Register;

/// <summary>Who wants to join.</summary>
/// <param name="Name">
/// Spaces around it are cut off and not counted. It has a letter, a digit or a symbol that can be seen, and nothing that changes the direction of the text.
/// </param>
/// <param name="Email">Compared without regard to case; blanks around it are cut off and not counted.</param>
/// <param name="Password">At most 72 bytes of UTF-8; characters beyond ASCII take two to four.</param>
sealed record RegisterRequest(string Name, string Email, [property: DataType(DataType.Password)] string Password);
