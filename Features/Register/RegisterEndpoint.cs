using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Features.Register;

sealed class RegisterEndpoint(ProfilesDbContext db, PasswordHasher passwords, Registrations registrations, IOptions<AccountOptions> accounts)
    : Endpoint<RegisterRequest, Results<Created<RegisterResponse>, Accepted<RegisterPendingResponse>, ProblemHttpResult>, RegisterMapper>
{
    public override void Configure()
    {
        Post("/register");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).LimitedTo(Limit.Registrations).TakesIdempotencyKey().WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Register a user";
            s.Description = "Makes an account with a profile, and sends a mail to confirm the address, which is compared without regard to case.";
            s.ExampleRequest = new("John Doe", "john@example.com", Resolve<IOptions<PasswordOptions>>().Value.Example);
            s.ResponseExamples[201] = new RegisterResponse(1, "User registered successfully");
            s.ResponseExamples[202] = new RegisterPendingResponse(RegisterPendingResponse.Sentence);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.EmailInvalid, "email");
            s.Responses[201] = "Registered; log in next.";
            s.Responses[202] = "Where addresses must be verified (`Accounts__RequireVerifiedEmail`): the same for a new address and a taken one. What there is to do next is in the mail; until then another registration of the address replaces this one.";
            s.Responses[409] = "Email already registered";
        });
    }

    public override async Task<Results<Created<RegisterResponse>, Accepted<RegisterPendingResponse>, ProblemHttpResult>> ExecuteAsync(RegisterRequest req, CancellationToken ct)
    {
        var user = Map.ToEntity(req);
        user.PasswordHash = await passwords.HashAsync(req.Password, ct);
        if (accounts.Value.RequireVerifiedEmail)
        {
            await registrations.WaitAsync(user, ct);
            return TypedResults.Accepted((string?)null, new RegisterPendingResponse(RegisterPendingResponse.Sentence));
        }
        db.Users.Add(user);
        registrations.Welcome(user);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
        {
            return Problems.Of(ErrorCodes.EmailTaken);
        }
        return TypedResults.Created("/me", Map.FromEntity(user));
    }
}
