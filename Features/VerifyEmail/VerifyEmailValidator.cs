using FastEndpoints;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.VerifyEmail;

sealed class VerifyEmailValidator : Validator<VerifyEmailRequest>
{
    public VerifyEmailValidator() => this.MailProof();
    public VerifyEmailValidator() => When(
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
}
