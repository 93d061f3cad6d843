using FastEndpoints;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.RefreshToken;

// Checks no more than this: text that cannot be a token gets the same answer as a wrong token.
sealed class RefreshTokenValidator : Validator<RefreshTokenRequest>
{
    public RefreshTokenValidator() =>
        RuleFor(r => r.RefreshToken).Given().WithError(ErrorCodes.RefreshTokenRequired)
            .WithoutNul().WithError(ErrorCodes.WrongType);
}
