using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Issues the pair of tokens of a session.</summary>
sealed class SessionTokens(AccessTokens access, IOptions<SessionsOptions> options)
{
    public TokenPair Issue(Session session, RefreshToken refresh) => new()
    {
        AccessToken = access.Issue(session.UserId, session.Id, session.AuthenticatedAt ?? session.CreatedAt, session.Methods),
        ExpiresIn = access.LifetimeSeconds,
        RefreshToken = refresh.ToString(),
        RefreshExpiresIn = (int)options.Value.RefreshLifetime.TotalSeconds,
    };
}
