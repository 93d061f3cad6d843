using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

/// <summary>A JSON Merge Patch (RFC 7396) of the profile: null removes a field, absent fields stay.</summary>
sealed record PatchMeRequest : ProfileFields;
