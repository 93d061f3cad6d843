using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passkeys;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Features.LoginWithPasskey;

sealed class LoginWithPasskeyEndpoint(
    ProfilesDbContext db, Challenges challenges, PasskeyVerifier verifier, SessionStart sessions, SecurityEventLog events,
    ServiceMetrics metrics, TimeProvider clock)
    : Endpoint<LoginWithPasskeyRequest, Results<Ok<LoginWithPasskeyResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/passkeys/authentication/verify");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).LimitedTo(Limit.PasskeyLogins).WithTags("Passkeys"));
        Summary(s =>
        {
            s.Summary = "Log in with a passkey";
            s.Description = "Takes what the platform's call signed, and answers the tokens of a new session. A second factor is never "
                + "asked for: a passkey is two. Whatever is wrong, the answer is the same.";
            s.ExampleRequest = new(
                new("MlPnsq9bkpZaNbUx", "MlPnsq9bkpZaNbUx", "public-key",
                    new("eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0", "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MdAAAAAA",
                        "MEQCIGJpZyBzaWduYXR1cmU", "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE")),
                "John's phone");
            s.ResponseExamples[200] = new LoginWithPasskeyResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasskeyRefused, "credential");
            s.Responses[200] = "Logged in.";
            s.Responses[401] = ErrorCodes.InvalidPasskey.Sentence;
        });
    }

    public override Task<Results<Ok<LoginWithPasskeyResponse>, ProblemHttpResult>> ExecuteAsync(
        LoginWithPasskeyRequest req, CancellationToken ct) =>
        metrics.Logins.CountAsync(
            () => LogInAsync(req, ct), answer => answer.Result is Ok<LoginWithPasskeyResponse> ? Outcome.Success : Outcome.Refused);

    async Task<Results<Ok<LoginWithPasskeyResponse>, ProblemHttpResult>> LogInAsync(LoginWithPasskeyRequest req, CancellationToken ct)
    {
        var answer = PasskeyAnswer.Of(req.Credential)!;
        if (await challenges.FindAsync(ChallengeKind.PasskeyLogin, answer.Challenge, ct) is not { } challenge
            || !await challenges.TryUseAsync(challenge, ct))
            return Problems.Of(ErrorCodes.InvalidPasskey);
        var passkey = await db.Passkeys.AsNoTracking().SingleOrDefaultAsync(p => p.CredentialId == answer.CredentialId, ct);
        if (verifier.Verify(answer, passkey) is not { } use || passkey is null)
            return Problems.Of(ErrorCodes.InvalidPasskey);
        if (await db.TransactAsync(() => StartAsync(passkey, use, req.Device, ct), ct) is { } started)
            return sessions.Answer(started, pair => new LoginWithPasskeyResponse(pair));
        if (!IsAbove(use.SignCount, passkey.SignCount))
            events.AddLater(passkey.UserId, SecurityEventKind.PasskeyCounterReturned);
        return Problems.Of(ErrorCodes.InvalidPasskey);
    }

    // Returns null when the passkey was removed or used meanwhile, its counter returned, or the account was disabled.
    async Task<SessionStarted?> StartAsync(Passkey passkey, PasskeyUse use, string? device, CancellationToken ct)
    {
        var (count, now) = (use.SignCount, clock.GetUtcNow().UtcDateTime);
        // Locks the row before the passkey is read again: what removes it with the account's other ways in comes before or after.
        await ProfilesDbContext.TryLockAsync(db.Users.Where(u => u.Id == passkey.UserId), ct);
        if (await db.Passkeys.Where(p => p.Id == passkey.Id && (p.SignCount < count || (p.SignCount == 0 && count == 0)))
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.SignCount, count).SetProperty(x => x.IsBackedUp, use.IsBackedUp)
                .SetProperty(x => x.LastUsedAt, now), ct) == 0)
            return null;
        var methods = passkey.IsBackupEligible ? AuthenticationMethods.SyncedPasskey : AuthenticationMethods.DeviceBoundPasskey;
        return await sessions.StartAsync(passkey.UserId, methods, device, _ => true, ct);
    }

    // Authenticators that do not count always say 0.
    static bool IsAbove(long count, long last) => count > last || (count == 0 && last == 0);
}
