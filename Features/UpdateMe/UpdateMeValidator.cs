using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeValidator : Validator<UpdateMeRequest>
{
    public UpdateMeValidator()
    {
        RuleFor(r => r).Must(r => r.Name is not null || r.Email is not null).OverridePropertyName("").WithMessage("There is nothing to change: send name or email.");
        When(r => r.Name is not null, () => RuleFor(r => r.Name).PersonName());
        When(r => r.Email is not null, () => RuleFor(r => r.Email).EmailAddress());
    }
}
