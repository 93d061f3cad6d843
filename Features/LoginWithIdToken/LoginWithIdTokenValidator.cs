using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.LoginWithIdToken;

sealed class LoginWithIdTokenValidator : Validator<LoginWithIdTokenRequest>
{
    public LoginWithIdTokenValidator()
    {
        RuleFor(r => r.Provider).NotEmpty().WithError(ErrorCodes.ProviderUnknown);
        RuleFor(r => r.IdToken).IdToken();
        RuleFor(r => r.Nonce).Nonce();
        When(r => r.Name is not null, () => RuleFor(r => r.Name).PersonName());
        RuleFor(r => r.Device).DeviceName();
        RuleFor(r => r.AuthorizationCode).AuthorizationCode();
    }
}
