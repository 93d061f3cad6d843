using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Features.LoginWithCode;

sealed class LoginWithCodeEndpoint(
    ProfilesDbContext db, MailCodeCheck check, MailCodes codes, Mailboxes mailboxes, GuestUpgrade guests, CurrentUser me,
    SessionStart sessions, SecurityEventLog events, ServiceMetrics metrics)
    : Endpoint<LoginWithCodeRequest, Results<Ok<LoginWithCodeResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/login/code/verify");
        AllowAnonymous();
        Description(d => d.TakesGuest().ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Log in or register with the code of a mail";
            s.Description = "Takes the six digits that `POST /login/code` has mailed, once, within ten minutes and five tries. An address "
                + "without an account gets one, without a password. Whoever reads the mail owns the address: where nobody has verified it "
                + "before, the account's password, sessions and other ways in of that time are removed. With `from_guest` and a guest's "
                + "access token the guest's account gets the address; the code is `not_a_guest` when it is no guest's any more.";
            s.ExampleRequest = new("qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", "john@example.com", "482915", "John's phone");
            s.ResponseExamples[200] = new LoginWithCodeResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.CodeMalformed, "code");
            s.Responses[200] = "Logged in.";
            s.Responses[401] = ErrorCodes.InvalidCode.Sentence;
            s.Responses[403] = ErrorCodes.MfaRequired.Sentence;
            s.Responses[409] = ErrorCodes.EmailTaken.Sentence;
            s.Responses[429] = "Too many wrong codes from this address, for this account or in all.";
        });
    }

    public override Task<Results<Ok<LoginWithCodeResponse>, ProblemHttpResult>> ExecuteAsync(
        LoginWithCodeRequest req, CancellationToken ct) =>
        metrics.Logins.CountAsync(() => LogInAsync(req, ct), answer => Outcome.OfLogin(answer.Result));

    async Task<Results<Ok<LoginWithCodeResponse>, ProblemHttpResult>> LogInAsync(LoginWithCodeRequest req, CancellationToken ct)
    {
        if (req.FromGuest is true && await guests.RefuseAsync(HttpContext) is { } refusal)
            return refusal;
        var email = Data.User.Normalize(req.Email);
        var user = await db.FindUserAsync(email, ct);
        if (await check.TryAsync(MailCodePurpose.Login, email, req.Code, req.RequestToken, ct) is not { } code)
        {
            if (user is not null)
                events.AddLater(user.Id, SecurityEventKind.LoginFailed);
            return Problems.Of(ErrorCodes.InvalidCode);
        }
        // Told to nobody without the code.
        if (user?.DisabledAt is not null)
            return Problems.Of(ErrorCodes.AccountDisabled);
        if (req.FromGuest is true && user is not null && user.Id != me.Id)
            return Problems.Of(ErrorCodes.EmailTaken);

        // Null when another request has used the code, or the account has changed meanwhile.
        var (started, refused) = user is null
            ? await RegisterAsync(code, req, ct) : (await EnterAsync(user.Id, code, req, ct), ErrorCodes.InvalidCode);
        return started is null ? Problems.Of(refused) : sessions.Answer(started, pair => new LoginWithCodeResponse(pair));
    }

    async Task<SessionStarted?> EnterAsync(long userId, MailCode code, LoginWithCodeRequest req, CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(userId, ct);
        if (!await codes.TryUseAsync(code, ct) || await db.TrackUserAsync(userId, ct) is not { } user)
            return null;
        await mailboxes.ProveAsync(user, ct);
        var started = await StartAsync(userId, code, req, ct);
        if (started is not null)
            await transaction.CommitAsync(ct);
        return started;
    }

    async Task<(SessionStarted? Started, ErrorCode Refusal)> RegisterAsync(MailCode code, LoginWithCodeRequest req, CancellationToken ct)
    {
        try
        {
            var answer = await db.TransactAsync<(SessionStarted? Started, ErrorCode)>(
                async () =>
                {
                    var guest = req.FromGuest is true ? await guests.TakeAsync(ct) : null;
                    if (req.FromGuest is true && guest is null)
                        return (null, ErrorCodes.NotAGuest);
                    if (!await codes.TryUseAsync(code, ct))
                        return (null, ErrorCodes.InvalidCode);
                    var account = guest is null
                        ? await mailboxes.CreateAsync(code.NormalizedEmail, req.Name, ct)
                        : await mailboxes.UpgradeAsync(guest, code.NormalizedEmail, req.Name, ct);
                    return (await StartAsync(account.Id, code, req, ct), ErrorCodes.InvalidCode);
                },
                ct);
            if (answer.Started is not null)
                metrics.Registrations.Count(Outcome.Success);
            return answer;
        }
        catch (DbUpdateException e) when (DatabaseErrors.IsUniqueViolation(e))
        {
            // The code is still valid: the next try logs in.
            throw new BusyException("Another request has just made the account of this address.");
        }
    }

    Task<SessionStarted?> StartAsync(long userId, MailCode code, LoginWithCodeRequest req, CancellationToken ct) =>
        sessions.StartAsync(userId, AuthenticationMethods.Code, req.Device, u => u.NormalizedEmail == code.NormalizedEmail, ct);
}
