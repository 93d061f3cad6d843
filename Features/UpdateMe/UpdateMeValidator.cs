using System.Text.Json;
using FluentValidation;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeValidator : ProfileFieldsValidator<UpdateMeRequest>
{
    public UpdateMeValidator(TimeProvider clock) : base(clock)
    {
        RuleFor(r => r).Must(r => r.HasAny()).OverridePropertyName("").WithMessage("There is nothing to change: send a field of the profile.");
        RuleFor(r => r).Custom((r, context) =>
        {
            foreach (var field in r.Nulls())
                context.AddFailure(JsonNamingPolicy.SnakeCaseLower.ConvertName(field), "Null is not a value here: PATCH removes a field.");
        });
    }
}
