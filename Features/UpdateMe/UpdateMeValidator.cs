using System.Text.Json;
using FluentValidation;
using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeValidator : ProfileFieldsValidator<UpdateMeRequest>
{
    public UpdateMeValidator(TimeProvider clock) : base(clock)
    {
        RuleFor(r => r).Must(r => r.HasAny()).OverridePropertyName("").WithError(ErrorCodes.NothingToChange);
        RuleFor(r => r).Custom((r, context) =>
        {
            foreach (var field in r.Nulls())
                context.AddFailure(Problems.Failure(JsonNamingPolicy.SnakeCaseLower.ConvertName(field), ErrorCodes.NullNotAllowed));
        });
    }
}
