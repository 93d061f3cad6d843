using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.Login;

sealed class LoginEndpoint(ProfilesDbContext db, LoginGuard guard, UserSessions sessions, PasswordRenewal renewal)
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
            s.Description = "Answers an access token, to be sent as `Authorization: Bearer <access_token>`, and a refresh token, to be kept in the phone's key store.";
            s.ExampleRequest = new("john@example.com", Resolve<IOptions<PasswordOptions>>().Value.Example, "John's phone");
            s.ResponseExamples[200] = new LoginResponse("<jwt-token>", "Bearer", 3600, "qk3ViFiRAGMWvXWQGJ2-MlPnsq9bkpZaNbUxmsRLYhE", 5184000);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.PasswordRequired, "password");
            s.Responses[200] = "Logged in.";
            s.Responses[401] = "Invalid email or password";
            s.Responses[429] = "Too many wrong passwords for this account from this address, or from this address at all.";
        });
    }

    public override async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> ExecuteAsync(LoginRequest req, CancellationToken ct)
    {
        var email = Data.User.Normalize(req.Email);
        var user = await db.FindUserAsync(email, ct);
        if (await guard.VerifyAsync(email, user, req.Password, ct) && user is not null)
        {
            await renewal.RenewAsync(user, req.Password, ct);
            if (await sessions.StartAsync(user, req.Device?.Trim(), ct) is { } tokens)
                return TypedResults.Ok(new LoginResponse(tokens.AccessToken, "Bearer", tokens.ExpiresIn, tokens.RefreshToken, tokens.RefreshExpiresIn));
        }
        return Problems.Of(ErrorCodes.InvalidCredentials, guard.Refusal);
    }
}
