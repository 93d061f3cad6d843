using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.GetMe;

/// <summary>The caller's own profile.</summary>
sealed record GetMeResponse : ProfileDescription
{
    [SetsRequiredMembers]
    internal GetMeResponse(ProfileDescription profile) : base(profile)
    {
    }
}
