using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RefreshToken;

sealed class RefreshTokenEndpoint(UserSessions sessions, RouteLimits limits) : Endpoint<RefreshTokenRequest, Results<Ok<RefreshTokenResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/token/refresh");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status429TooManyRequests).WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "Stay logged in";
            s.Description = "Answers a new access token and a new refresh token, which replaces the one that was sent. When the answer is lost, send the same one again within a minute: the answer is the same. "
                + "One that comes back later, or after the new one was used, is taken for stolen: the session ends.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE");
            s.ResponseExamples[200] = new RefreshTokenResponse("<jwt-token>", "Bearer", 3600, "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", 5184000);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.RefreshTokenRequired, "refresh_token");
            s.Responses[200] = "Still logged in.";
            s.Responses[401] = "Invalid or expired refresh token";
        });
    }

    public override async Task<Results<Ok<RefreshTokenResponse>, ProblemHttpResult>> ExecuteAsync(RefreshTokenRequest req, CancellationToken ct)
    {
        // A session is one phone, an address may be a carrier's. What is of no session makes no row of its own.
        var (limit, whom) = await sessions.FindAsync(req.RefreshToken, ct) is { } session
            ? (Limit.Refreshes, FormattableString.Invariant($"session {session}")) : (Limit.UnknownTokens, ClientNetwork.ForLimits(HttpContext));
        await limits.TakeAsync(limit, whom, ct);
        return await sessions.RefreshAsync(req.RefreshToken, ct) is { } tokens
            ? TypedResults.Ok(new RefreshTokenResponse(tokens.AccessToken, "Bearer", tokens.ExpiresIn, tokens.RefreshToken, tokens.RefreshExpiresIn))
            : Problems.Of(ErrorCodes.InvalidRefreshToken);
    }
}
