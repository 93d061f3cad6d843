using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.LoginWithCode;

/// <summary>The tokens of a new session.</summary>
sealed record LoginWithCodeResponse : TokenPair
{
    [SetsRequiredMembers]
    internal LoginWithCodeResponse(TokenPair pair) : base(pair)
    {
    }
}
