using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Features.Login;

sealed class LoginEndpoint(
    ProfilesDbContext db, PasswordCheck check, PasswordHasher hasher, SessionStart sessions, ServiceMetrics metrics)
    : Endpoint<LoginRequest, Results<Ok<LoginResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/login");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status429TooManyRequests).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Log in";
            s.Description = "Answers an access token, to be sent as `Authorization: Bearer <access_token>`, "
                + "and a refresh token, to be kept in the device's key store. With the right password of an account that an operator has "
                + "disabled, the code is `account_disabled`.";
            s.ExampleRequest = new("john@example.com", Resolve<IOptions<PasswordOptions>>().Value.Example, "John's phone");
            s.ResponseExamples[200] = new LoginResponse(TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasswordRequired, "password");
            s.Responses[200] = "Logged in.";
            s.Responses[401] = "Invalid email or password";
            s.Responses[403] = ErrorCodes.MfaRequired.Sentence;
            s.Responses[429] = "Too many wrong passwords from this address, for this account or in all.";
        });
    }

    public override Task<Results<Ok<LoginResponse>, ProblemHttpResult>> ExecuteAsync(LoginRequest req, CancellationToken ct) =>
        metrics.Logins.CountAsync(() => LogInAsync(req, ct), answer => Outcome.OfLogin(answer.Result));

    async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> LogInAsync(LoginRequest req, CancellationToken ct)
    {
        var email = Data.User.Normalize(req.Email);
        var user = await db.FindUserAsync(email, ct);
        if (!await check.VerifyAsync(email, user, req.Password, ct) || user is null)
            return Problems.Of(ErrorCodes.InvalidCredentials, check.Refusal);
        // Told to nobody who does not know the password.
        if (user.DisabledAt is not null)
            return Problems.Of(ErrorCodes.AccountDisabled);
        var hash = await RehashAsync(user, req.Password, ct);

        // Null when the password has changed or the account was disabled meanwhile.
        return await db.TransactAsync(
                () => sessions.StartAsync(user.Id, AuthenticationMethods.Password, req.Device, u => u.PasswordHash == hash, ct), ct)
            is { } started
                ? sessions.Answer(started, pair => new LoginResponse(pair))
                : Problems.Of(ErrorCodes.InvalidCredentials, check.Refusal);
    }

    // Returns the current hash: a new one when the work factor has been raised. A failure does not refuse the login.
    async Task<string> RehashAsync(User user, string password, CancellationToken ct)
    {
        if (!hasher.NeedsRehash(user.PasswordHash))
            return user.PasswordHash;
        try
        {
            var hash = await hasher.HashAsync(password, ct);
            if (await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, hash), ct) == 1)
                return hash;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Logger.LogWarning(e, "Rehashing a password failed; the next login tries again.");
        }
        return user.PasswordHash;
    }
}
