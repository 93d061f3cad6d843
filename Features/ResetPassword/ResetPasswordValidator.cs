using FastEndpoints;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ResetPassword;

sealed class ResetPasswordValidator : Validator<ResetPasswordRequest>
{
    public ResetPasswordValidator(IOptions<PasswordOptions> passwords)
    {
        RuleFor(r => r.Token).Given().WithError(ErrorCodes.TokenRequired);
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
