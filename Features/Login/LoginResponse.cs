using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.Login;

/// <summary>The tokens of a new session.</summary>
sealed record LoginResponse : TokenPair
{
    [SetsRequiredMembers]
    internal LoginResponse(TokenPair pair) : base(pair)
    {
    }
}
