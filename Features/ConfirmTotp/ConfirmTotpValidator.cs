using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.ConfirmTotp;

sealed class ConfirmTotpValidator : Validator<ConfirmTotpRequest>
{
    public ConfirmTotpValidator() => RuleFor(r => r.Code).Cascade(CascadeMode.Stop)
        .Given().WithError(ErrorCodes.CodeRequired)
        .Pattern(TotpSecrets.CodeForm, TotpSecrets.IsCode).WithError(ErrorCodes.CodeMalformed);
}
