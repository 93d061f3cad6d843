using Profiles.Infrastructure.Editing;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.UpdateMe;

/// <summary>The fields to change; absent fields stay. Null is not a value of any field.</summary>
[OneMember(OrMore = true)]
sealed record UpdateMeRequest : ProfileFields;
