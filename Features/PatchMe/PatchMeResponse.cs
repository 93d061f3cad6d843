using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

/// <summary>The profile as it is now.</summary>
sealed record PatchMeResponse : ProfileDescription
{
    [SetsRequiredMembers]
    internal PatchMeResponse(ProfileDescription profile) : base(profile)
    {
    }
}
