using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.LoginWithPasskey;

/// <summary>The tokens of a new session.</summary>
sealed record LoginWithPasskeyResponse : TokenPair
{
    [SetsRequiredMembers]
    internal LoginWithPasskeyResponse(TokenPair pair) : base(pair)
    {
    }
}
