using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.AddPasskey;

sealed class AddPasskeyValidator : Validator<AddPasskeyRequest>
{
    public AddPasskeyValidator()
    {
        RuleFor(r => r.Credential).Must(c => PasskeyAnswer.Of(c) is not null).WithError(ErrorCodes.PasskeyRefused);
        RuleFor(r => r.Name).PersonName().When(r => r.Name is not null);
    }
}
