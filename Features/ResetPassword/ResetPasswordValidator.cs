using FastEndpoints;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ResetPassword;

sealed class ResetPasswordValidator : Validator<ResetPasswordRequest>
{
    public ResetPasswordValidator(IOptions<PasswordOptions> passwords)
    {
        this.MailProof();
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
