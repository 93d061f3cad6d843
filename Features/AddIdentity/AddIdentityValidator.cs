using FastEndpoints;
using FluentValidation;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Identities;

namespace Profiles.Features.AddIdentity;

sealed class AddIdentityValidator : Validator<AddIdentityRequest>
{
    public AddIdentityValidator()
    {
        RuleFor(r => r.Provider).NotEmpty().WithError(ErrorCodes.ProviderUnknown);
        RuleFor(r => r.IdToken).IdToken();
        RuleFor(r => r.Nonce).Nonce();
        RuleFor(r => r.AuthorizationCode).AuthorizationCode();
    }
}
