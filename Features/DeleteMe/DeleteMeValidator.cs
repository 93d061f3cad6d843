using FastEndpoints;
using FluentValidation;

namespace Profiles.Features.DeleteMe;

sealed class DeleteMeValidator : Validator<DeleteMeRequest>
{
    public DeleteMeValidator() => RuleFor(r => r.Password).Must(p => !string.IsNullOrEmpty(p)).WithMessage("Your password is needed.")
        .Must(p => p?.Contains('\0') is not true).WithMessage("A password has no NUL characters.");
}
