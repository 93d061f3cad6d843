using FastEndpoints;
using Profiles.Infrastructure.Validation;

namespace Profiles.Features.RenamePasskey;

sealed class RenamePasskeyValidator : Validator<RenamePasskeyRequest>
{
    public RenamePasskeyValidator() => RuleFor(r => r.Name).PersonName();
}
