using System.ComponentModel.DataAnnotations;

namespace Profiles.Features.RequestLoginCode;

/// <param name="RequestToken">To be sent with the code of the mail. Keep it in memory: it is of no use to anybody else.</param>
/// <param name="ExpiresIn">For how many seconds the code is valid.</param>
/// <param name="Message">A sentence for people.</param>
sealed record RequestLoginCodeResponse(string RequestToken, [property: Range(1, int.MaxValue)] int ExpiresIn, string Message);
