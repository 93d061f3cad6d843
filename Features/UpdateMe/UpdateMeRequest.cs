using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UpdateMe;

/// <summary>What to change; a field that is absent stays as it is. Null is not a value for any of them.</summary>
[OneMember(OrMore = true)]
sealed record UpdateMeRequest : ProfileFields;
