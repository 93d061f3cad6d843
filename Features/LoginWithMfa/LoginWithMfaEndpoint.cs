using System.Buffers.Text;
using System.Text.Json;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.SecondFactors;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Features.LoginWithMfa;

sealed class LoginWithMfaEndpoint(
    ProfilesDbContext db, Challenges challenges, SecondFactorCheck check, SessionStart sessions, RouteLimits limits, ServiceMetrics metrics)
    : Endpoint<LoginWithMfaRequest, Results<Ok<LoginWithMfaResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/login/mfa");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status429TooManyRequests)
            .WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Log in with the second factor";
            s.Description = "After a login that was answered 403 `mfa_required`. Its `mfa_token` is valid for five minutes, five tries and "
                + "one login; then log in from the beginning. A code is accepted once.";
            s.ExampleRequest = new("mDmqkMJT1fWcPSvbM1b3ZTE5EYmFnT5PVPDfpGk8NyM", "123456");
            s.ResponseExamples[200] = new LoginWithMfaResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.OneCodeRequired, "code");
            s.ResponseExamples[401] = Problem.Example(ErrorCodes.InvalidCode);
            s.Responses[200] = "Logged in.";
            s.Responses[401] = ErrorCodes.InvalidCode.Sentence;
            s.Responses[429] = "Too many codes of this account were tried; recovery codes still work.";
        });
    }

    public override Task<Results<Ok<LoginWithMfaResponse>, ProblemHttpResult>> ExecuteAsync(
        LoginWithMfaRequest req, CancellationToken ct) =>
        metrics.Logins.CountAsync(
            () => LogInAsync(req, ct), answer => answer.Result is Ok<LoginWithMfaResponse> ? Outcome.Success : Outcome.Refused);

    async Task<Results<Ok<LoginWithMfaResponse>, ProblemHttpResult>> LogInAsync(LoginWithMfaRequest req, CancellationToken ct)
    {
        if (await FindAsync(req.MfaToken, ct) is not { UserId: { } userId } challenge)
        {
            await limits.TakeAsync(Limit.UnknownTokens, ClientNetwork.ForLimits(HttpContext), ct);
            return Problems.Of(ErrorCodes.InvalidCode);
        }
        // The answer does not tell a challenge without tries from a wrong code.
        if (!await challenges.TryCountAsync(challenge, ct)
            || await (req.Code is { } code ? check.FindAsync(userId, code, ct) : check.FindRecoveryAsync(userId, req.RecoveryCode!, ct))
                is not { } proof)
            return Problems.Of(ErrorCodes.InvalidCode);
        var login = JsonSerializer.Deserialize<WaitingLogin>(challenge.Data)!;
        await using var transaction = await db.LockUserAsync(userId, ct);
        // All or nothing: whoever loses a race has used up neither the challenge nor the code.
        if (!await challenges.TryUseAsync(challenge, ct) || !await check.TryUseAsync(proof, login.Device, ct)
            || await sessions.StartAsync(
                userId, AuthenticationMethods.WithSecondFactor(login.Methods), login.Device, _ => true, ct) is not { } started)
            return Problems.Of(ErrorCodes.InvalidCode);
        await transaction.CommitAsync(ct);
        return sessions.Answer(started, pair => new LoginWithMfaResponse(pair));
    }

    async Task<Challenge?> FindAsync(string token, CancellationToken ct) =>
        token.Length == Base64Url.GetEncodedLength(Challenges.SecretBytes) && Base64Url.IsValid(token)
            ? await challenges.FindAsync(ChallengeKind.SecondFactor, Base64Url.DecodeFromChars(token), ct) : null;
}
