using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Features.Login;

sealed class LoginEndpoint(ProfilesDbContext db, PasswordHasher passwords, AccessTokens tokens, LoginGuard guard)
    : Endpoint<LoginRequest, Results<Ok<LoginResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/login");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status429TooManyRequests).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Log in";
            s.Description = "Answers an access token. Send it as `Authorization: Bearer <access_token>`.";
            s.ExampleRequest = new("john@example.com", "12345");
            s.ResponseExamples[200] = new LoginResponse("<jwt-token>", "Bearer", 3600);
            s.Responses[200] = "Logged in.";
            s.Responses[401] = "Invalid email or password";
            s.Responses[429] = "Too many wrong passwords for this account from this address, or from this address at all.";
        });
    }

    public override async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> ExecuteAsync(LoginRequest req, CancellationToken ct)
    {
        var email = Data.User.Normalize(req.Email);
        var user = await db.FindUserAsync(email, ct);
        if (!await guard.VerifyAsync(email, user, req.Password, ct) || user is null)
            return TypedResults.Problem("Invalid email or password", statusCode: StatusCodes.Status401Unauthorized);
        if (passwords.NeedsRehash(user.PasswordHash))
            await RehashAsync(user, req.Password, ct);
        return TypedResults.Ok(new LoginResponse(tokens.Issue(user), "Bearer", tokens.LifetimeSeconds));
    }

    // Guarded by the old hash: a password that was changed meanwhile stays changed. Who logs in need not care whether it succeeds: the next login tries again.
    async Task RehashAsync(User user, string password, CancellationToken ct)
    {
        try
        {
            var hash = await passwords.HashAsync(password, ct);
            await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash)
                .ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, hash), ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Logger.LogWarning(e, "A password's hash could not be renewed.");
        }
    }
}
