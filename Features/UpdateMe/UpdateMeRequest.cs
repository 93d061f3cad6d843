using Profiles.Infrastructure.Editing;

namespace Profiles.Features.UpdateMe;

/// <summary>What to change; a field that is absent stays as it is. Null is not a value for any of them.</summary>
sealed record UpdateMeRequest : ProfileFields;
