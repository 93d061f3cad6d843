using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.LoginWithPasskey;

sealed class LoginWithPasskeyValidator : Validator<LoginWithPasskeyRequest>
{
    public LoginWithPasskeyValidator()
    {
        RuleFor(r => r.Credential).Must(c => PasskeyAnswer.Of(c) is not null).WithError(ErrorCodes.PasskeyRefused);
        RuleFor(r => r.Device).DeviceName();
    }
}
