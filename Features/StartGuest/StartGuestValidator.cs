using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.StartGuest;

sealed class StartGuestValidator : Validator<StartGuestRequest>
{
    public StartGuestValidator()
    {
        RuleFor(r => r.Device).DeviceName();
        RuleFor(r => r.Name).PersonName().When(r => r.Name is not null);
    }
}
