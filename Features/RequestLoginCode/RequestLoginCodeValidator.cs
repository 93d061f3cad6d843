using FastEndpoints;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.RequestLoginCode;

sealed class RequestLoginCodeValidator : Validator<RequestLoginCodeRequest>
{
    public RequestLoginCodeValidator() => RuleFor(r => r.Email).EmailAddress();
}
