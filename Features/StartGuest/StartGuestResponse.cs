using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.StartGuest;

/// <summary>The tokens of the guest's session. Nothing else opens the account until it has a way in.</summary>
sealed record StartGuestResponse : TokenPair
{
    [SetsRequiredMembers]
    internal StartGuestResponse(long id, TokenPair pair) : base(pair) => Id = id;

    /// <summary>The user's id, which stays when the guest becomes a full account.</summary>
    [Range(1, double.MaxValue)]
    public long Id { get; }
}
