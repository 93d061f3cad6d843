using FastEndpoints;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.DeleteMe;

sealed class DeleteMeValidator : Validator<DeleteMeRequest>
{
    public DeleteMeValidator() => RuleFor(r => r.Password)
        .Given().WithError(ErrorCodes.PasswordRequired, "Your password is needed.")
        .WithoutNul().WithError(ErrorCodes.PasswordInvalid);
}
