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
        // Whatever could be the password is tried.
        RuleFor(r => r.CurrentPassword)
            .Given().WithError(ErrorCodes.CurrentPasswordRequired)
            .WithoutNul().WithError(ErrorCodes.PasswordInvalid);
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
