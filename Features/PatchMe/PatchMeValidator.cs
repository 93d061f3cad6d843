using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

// A patch without a member is one that changes nothing (RFC 7396): it is not refused.
sealed class PatchMeValidator(TimeProvider clock) : ProfileFieldsValidator<PatchMeRequest>(clock);
