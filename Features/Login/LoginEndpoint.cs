using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Features.Login;

sealed class LoginEndpoint(ProfilesDbContext db, PasswordHasher passwords, Sessions sessions, IOptions<AccountOptions> accounts)
    : Endpoint<LoginRequest, Results<Ok<LoginResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/login");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status401Unauthorized).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Log in";
            s.Description = "Answers an access token, to be sent as `Authorization: Bearer <access_token>`, and a refresh token, to be kept in the phone's key store.";
            s.ExampleRequest = new("john@example.com", "12345", "John's phone");
            s.ResponseExamples[200] = new LoginResponse("<jwt-token>", "Bearer", 3600, "<refresh-token>", 5184000);
            s.Responses[200] = "Logged in.";
            s.Responses[401] = "Invalid email or password";
            s.Responses[403] = "The e-mail address is not confirmed yet: open the link in the mail";
        });
    }

    public override async Task<Results<Ok<LoginResponse>, ProblemHttpResult>> ExecuteAsync(LoginRequest req, CancellationToken ct)
    {
        var user = await db.FindUserAsync(Data.User.Normalize(req.Email), ct);
        if (!await passwords.VerifyAsync(req.Password, user?.PasswordHash, ct) || user is null)
            return TypedResults.Problem("Invalid email or password", statusCode: StatusCodes.Status401Unauthorized);
        if (accounts.Value.MustVerify(user))
            return TypedResults.Problem("The e-mail address is not confirmed yet: open the link in the mail", statusCode: StatusCodes.Status403Forbidden);
        if (passwords.NeedsRehash(user.PasswordHash))
            await RehashAsync(user, req.Password, ct);
        var tokens = await sessions.StartAsync(user, req.Device?.Trim(), ct);
        return TypedResults.Ok(new LoginResponse(tokens.AccessToken, "Bearer", tokens.ExpiresIn, tokens.RefreshToken, tokens.RefreshExpiresIn));
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
