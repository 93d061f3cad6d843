using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.LoginWithMfa;

/// <summary>The tokens of a new session.</summary>
sealed record LoginWithMfaResponse : TokenPair
{
    [SetsRequiredMembers]
    internal LoginWithMfaResponse(TokenPair pair) : base(pair)
    {
    }
}
