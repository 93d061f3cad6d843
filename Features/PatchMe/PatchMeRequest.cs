using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

/// <summary>A JSON Merge Patch (RFC 7396) of the profile: null removes, what is absent stays.</summary>
sealed record PatchMeRequest : ProfileFields;
