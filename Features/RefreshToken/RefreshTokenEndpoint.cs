using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;
using Token = Profiles.Infrastructure.Tokens.RefreshToken;

namespace Profiles.Features.RefreshToken;

/// <summary>
/// Each refresh replaces the refresh token. The previous one is honoured for a moment, because answers get lost on the way to a client;
/// after that, its reuse means that two clients have it (RFC 9700, 4.14; docs/adr/0007-refresh-rotation.md).
/// </summary>
sealed class RefreshTokenEndpoint(
    ProfilesDbContext db, RouteLimits limits, SessionTokens tokens, SessionRevocation sessions, IOptions<SessionsOptions> options,
    ServiceMetrics metrics, TimeProvider clock)
    : Endpoint<RefreshTokenRequest, Results<Ok<RefreshTokenResponse>, ProblemHttpResult>>
{
    bool isReuse;

    public override void Configure()
    {
        Post("/token/refresh");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "Stay logged in";
            s.Description = "Answers a new access token and a new refresh token, which replaces the one that was sent. When the answer is "
                + "lost, send the same token again within a minute to get the same answer. "
                + "A token that is reused later, or after its successor was used, is treated as stolen: the session ends.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE");
            s.ResponseExamples[200] = new RefreshTokenResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.RefreshTokenRequired, "refresh_token");
            s.Responses[200] = "Still logged in.";
            s.Responses[401] = "Invalid or expired refresh token";
        });
    }

    public override Task<Results<Ok<RefreshTokenResponse>, ProblemHttpResult>> ExecuteAsync(
        RefreshTokenRequest req, CancellationToken ct) =>
        metrics.Refreshes.CountAsync(
            () => RefreshAsync(req, ct),
            answer => answer.Result is Ok<RefreshTokenResponse> ? Outcome.Success : isReuse ? "reused" : Outcome.Refused);

    async Task<Results<Ok<RefreshTokenResponse>, ProblemHttpResult>> RefreshAsync(RefreshTokenRequest req, CancellationToken ct)
    {
        var family = Token.TryParse(req.RefreshToken, out var token) ? token.FamilyHash : null;
        await LimitAsync(family, ct);
        while (token is not null && await db.Sessions.AsNoTracking().SingleOrDefaultAsync(s => s.FamilyHash == family, ct) is { } session
            && session.LastUsedAt + options.Value.RefreshLifetime > Now)
        {
            if (token.IsOf(session.TokenHash))
            {
                var next = token.Next();
                if (await TryRotateAsync(session, token, next))
                    return Answer(session, next);
                // Another request with the same token came first: this one gets the same answer.
                continue;
            }
            if (token.IsOf(session.PreviousHash) && session.RotatedAt + options.Value.ReuseWindow >= Now
                && session.Successor is { } successor)
                return Answer(session, token.Open(successor));
            isReuse = true;
            await sessions.RevokeAsync(session.UserId, SecurityEventKind.RefreshTokenReused, db.Sessions.Where(s => s.Id == session.Id));
            break;
        }
        return Problems.Of(ErrorCodes.InvalidRefreshToken);
    }

    DateTime Now => clock.GetUtcNow().UtcDateTime;

    // Counts by session where there is one, because many clients can share a carrier's address. Unknown tokens get no counter each.
    async Task LimitAsync(byte[]? family, CancellationToken ct)
    {
        var id = family is null ? null : await ProfilesDbContext.ReadAsync(
            () => db.Sessions.Where(s => s.FamilyHash == family).Select(s => (long?)s.Id).SingleOrDefaultAsync(ct));
        if (id is null)
            await limits.TakeAsync(Limit.UnknownTokens, ClientNetwork.ForLimits(HttpContext), ct);
        else
            await limits.TakeAsync(Limit.Refreshes, FormattableString.Invariant($"session {id}"), ct);
    }

    // Not cancellable: the client could not tell whether the token was replaced.
    async Task<bool> TryRotateAsync(Session session, Token token, Token next)
    {
        var (hash, successor, now) = (next.SecretHash, token.Seal(next), Now);
        return await db.Sessions.Where(s => s.Id == session.Id && s.TokenHash == session.TokenHash).ExecuteUpdateAsync(s => s
            .SetProperty(x => x.TokenHash, hash)
            .SetProperty(x => x.PreviousHash, session.TokenHash)
            .SetProperty(x => x.Successor, successor)
            .SetProperty(x => x.RotatedAt, now)
            .SetProperty(x => x.LastUsedAt, now)) == 1;
    }

    Ok<RefreshTokenResponse> Answer(Session session, Token refresh) =>
        TypedResults.Ok(new RefreshTokenResponse(tokens.Issue(session, refresh)));
}
