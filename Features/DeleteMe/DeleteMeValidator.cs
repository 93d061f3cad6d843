using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;

namespace Profiles.Features.DeleteMe;

sealed class DeleteMeValidator : Validator<DeleteMeRequest>
{
    public DeleteMeValidator() => RuleFor(r => r.Password).Must(p => !string.IsNullOrEmpty(p)).WithError(ErrorCodes.PasswordRequired, "Your password is needed.")
        .Must(p => p?.Contains('\0') is not true).WithError(ErrorCodes.PasswordInvalid);
}
