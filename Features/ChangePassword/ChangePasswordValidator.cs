using FastEndpoints;
using FluentValidation;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ChangePassword;

sealed class ChangePasswordValidator : Validator<ChangePasswordRequest>
{
    public ChangePasswordValidator(IOptions<PasswordOptions> passwords)
    {
        // Whatever could be the password is tried.
        RuleFor(r => r.CurrentPassword)
            .Must(p => !string.IsNullOrEmpty(p)).WithError(ErrorCodes.CurrentPasswordRequired)
            .Must(p => p?.Contains('\0') is not true).WithError(ErrorCodes.PasswordInvalid);
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
