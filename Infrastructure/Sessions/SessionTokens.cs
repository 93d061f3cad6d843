using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Sessions;

/// <summary>The tokens of a session as text, and how long each is valid, in seconds.</summary>
sealed record TokenPair(string AccessToken, int ExpiresIn, string RefreshToken, int RefreshExpiresIn);

/// <summary>Issues the pair of tokens of a session.</summary>
sealed class SessionTokens(AccessTokens access, IOptions<SessionsOptions> options)
{
    public TokenPair Issue(Session session, RefreshToken refresh) => new(
        access.Issue(session.UserId, session.Id), access.LifetimeSeconds,
        refresh.ToString(), (int)options.Value.RefreshLifetime.TotalSeconds);
}
