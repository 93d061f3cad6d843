using System.Diagnostics.CodeAnalysis;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RefreshToken;

/// <summary>The tokens that replace the previous ones (RFC 6749, 5.1).</summary>
sealed record RefreshTokenResponse : TokenPair
{
    [SetsRequiredMembers]
    internal RefreshTokenResponse(TokenPair pair) : base(pair)
    {
    }
}
