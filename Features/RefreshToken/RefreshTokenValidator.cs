using FastEndpoints;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.RefreshToken;

// No more than this: what cannot be a token is refused as a wrong one is.
sealed class RefreshTokenValidator : Validator<RefreshTokenRequest>
{
    public RefreshTokenValidator() =>
        RuleFor(r => r.RefreshToken).Given().WithError(ErrorCodes.RefreshTokenRequired)
            .WithoutNul().WithError(ErrorCodes.WrongType);
}
