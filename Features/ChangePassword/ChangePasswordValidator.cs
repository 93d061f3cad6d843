using FastEndpoints;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ChangePassword;

sealed class ChangePasswordValidator : Validator<ChangePasswordRequest>
{
    public ChangePasswordValidator(IOptions<PasswordOptions> passwords)
    {
        // Anything that could be a password is checked against the hash.
        RuleFor(r => r.CurrentPassword).WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
