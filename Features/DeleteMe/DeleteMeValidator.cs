using FastEndpoints;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.DeleteMe;

sealed class DeleteMeValidator : Validator<DeleteMeRequest>
{
    public DeleteMeValidator() => RuleFor(r => r.Password)
        .WithoutNul().WithError(ErrorCodes.PasswordInvalid);
}
