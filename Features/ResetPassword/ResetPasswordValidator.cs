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
        When(
            r => r.Token is null && r is not { RequestToken: null, Email: null, Code: null },
            () =>
            {
                RuleFor(r => r.RequestToken).Given().WithError(ErrorCodes.RequestTokenRequired);
                RuleFor(r => r.Email).EmailAddress();
                RuleFor(r => r.Code).MailedCode();
            })
            .Otherwise(() => RuleFor(r => r.Token)
                .Given().WithError(ErrorCodes.TokenRequired)
                .Must((r, _) => r is { RequestToken: null, Email: null, Code: null }).WithError(ErrorCodes.TokenOrCode));
        RuleFor(r => r.NewPassword).NewPassword(passwords.Value.MinimumLength!.Value);
    }
}
