using FastEndpoints;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ForgotPassword;

sealed class ForgotPasswordValidator : Validator<ForgotPasswordRequest>
{
    public ForgotPasswordValidator() => RuleFor(r => r.Email).EmailAddress();
}
