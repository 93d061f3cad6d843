using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

/// <summary>The changed profile.</summary>
sealed record PatchMeResponse : ProfileDescription
{
    [SetsRequiredMembers]
    internal PatchMeResponse(ProfileDescription profile) : base(profile)
    {
    }
}
