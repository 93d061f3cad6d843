using FastEndpoints;
using FluentValidation;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ChangePassword;

sealed class ChangePasswordValidator : Validator<ChangePasswordRequest>
{
    public ChangePasswordValidator(IOptions<PasswordOptions> passwords)
    {
        // Whatever could be the password is tried.
        RuleFor(r => r.CurrentPassword)
            .Must(p => !string.IsNullOrEmpty(p)).WithMessage("The current password is needed.")
            .Must(p => p?.Contains('\0') is not true).WithMessage("A password has no NUL characters.");
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
