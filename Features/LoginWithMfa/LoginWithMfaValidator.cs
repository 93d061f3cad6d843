using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.LoginWithMfa;

sealed class LoginWithMfaValidator : Validator<LoginWithMfaRequest>
{
    public LoginWithMfaValidator()
    {
        RuleFor(r => r.MfaToken).Given().WithError(ErrorCodes.MfaTokenRequired);
        RuleFor(r => r.Code).Pattern(TotpSecrets.CodeForm, TotpSecrets.IsCode).WithError(ErrorCodes.CodeMalformed);
        RuleFor(r => r.RecoveryCode).Characters(1, RecoveryCodes.MostCharacters).WithError(ErrorCodes.RecoveryCodeInvalid);
        RuleFor(r => r).Must(r => r.Code is null != r.RecoveryCode is null).OverridePropertyName("code")
            .WithError(ErrorCodes.OneCodeRequired);
    }
}
