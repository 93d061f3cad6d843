using Profiles.Infrastructure.Validation;

namespace Profiles.Features.VerifyEmail;

/// <param name="Token">The token from the mail; or else the other three.</param>
/// <param name="RequestToken">From the answer to the request that the mail was sent for, with the code.</param>
/// <param name="Email">The address that the mail went to, with the code.</param>
/// <param name="Code">The six digits of the mail, where mails have them (`Mail__Codes`); blanks between them do not count.</param>
sealed record VerifyEmailRequest(string? Token = null, string? RequestToken = null, string? Email = null, string? Code = null)
    : IMailProof;
