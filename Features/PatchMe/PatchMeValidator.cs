using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

// An empty patch is valid and changes nothing (RFC 7396).
sealed class PatchMeValidator(TimeProvider clock) : ProfileFieldsValidator<PatchMeRequest>(clock);
