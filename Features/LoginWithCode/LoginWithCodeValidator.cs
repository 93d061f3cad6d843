using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.LoginWithCode;

sealed class LoginWithCodeValidator : Validator<LoginWithCodeRequest>
{
    public LoginWithCodeValidator()
    {
        RuleFor(r => r.RequestToken).Given().WithError(ErrorCodes.RequestTokenRequired);
        RuleFor(r => r.Email).EmailAddress();
        RuleFor(r => r.Code).MailedCode();
        RuleFor(r => r.Device).DeviceName();
        When(r => r.Name is not null, () => RuleFor(r => r.Name).PersonName());
    }
}
