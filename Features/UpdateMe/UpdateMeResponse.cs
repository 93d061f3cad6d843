using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.UpdateMe;

/// <summary>A message and the changed profile.</summary>
sealed record UpdateMeResponse : ProfileDescription
{
    [SetsRequiredMembers]
    internal UpdateMeResponse(string message, ProfileDescription profile) : base(profile) => Message = message;

    public string Message { get; }
}
