using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailValidator : Validator<VerifyEmailRequest>
{
    public VerifyEmailValidator() => RuleFor(r => r.Token).Must(t => !string.IsNullOrEmpty(t)).WithError(ErrorCodes.TokenRequired);
}
