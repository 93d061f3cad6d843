using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.LoginWithIdToken;

/// <summary>The tokens of a new session.</summary>
sealed record LoginWithIdTokenResponse : TokenPair
{
    [SetsRequiredMembers]
    internal LoginWithIdTokenResponse(TokenPair pair) : base(pair)
    {
    }
}
