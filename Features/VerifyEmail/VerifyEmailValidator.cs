using FastEndpoints;
using FluentValidation;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailValidator : Validator<VerifyEmailRequest>
{
    public VerifyEmailValidator() => RuleFor(r => r.Token).Must(t => !string.IsNullOrEmpty(t)).WithMessage("The token of the mail is needed.");
}
