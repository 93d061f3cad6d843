using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.RefreshToken;

// No more than this: what cannot be a token is refused as a wrong one is.
sealed class RefreshTokenValidator : Validator<RefreshTokenRequest>
{
    public RefreshTokenValidator() =>
        RuleFor(r => r.RefreshToken).Must(t => !string.IsNullOrEmpty(t)).WithError(ErrorCodes.RefreshTokenRequired)
            .Must(t => t?.Contains('\0') is not true).WithError(ErrorCodes.WrongType);
}
