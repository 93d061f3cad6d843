using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Features.Register;

sealed class RegisterEndpoint(ProfilesDbContext db, PasswordHasher passwords)
    : Endpoint<RegisterRequest, Results<Created<RegisterResponse>, ProblemHttpResult>, RegisterMapper>
{
    public override void Configure()
    {
        Post("/register");
        AllowAnonymous();
        Description(d => d.ProducesProblem(StatusCodes.Status409Conflict).LimitedTo(Limit.Registrations).TakesIdempotencyKey().WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Register a user";
            s.Description = "Makes an account with a profile. The e-mail address is compared without regard to case.";
            s.ExampleRequest = new("John Doe", "john@example.com", "12345");
            s.ResponseExamples[201] = new RegisterResponse(1, "User registered successfully");
            s.Responses[201] = "Registered; log in next.";
            s.Responses[409] = "Email already registered";
        });
    }

    public override async Task<Results<Created<RegisterResponse>, ProblemHttpResult>> ExecuteAsync(RegisterRequest req, CancellationToken ct)
    {
        var user = Map.ToEntity(req);
        user.PasswordHash = await passwords.HashAsync(req.Password, ct);
        db.Users.Add(user);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (DatabaseFaults.IsUniqueViolation(e))
        {
            return TypedResults.Problem("Email already registered", statusCode: StatusCodes.Status409Conflict);
        }
        return TypedResults.Created("/me", Map.FromEntity(user));
    }
}
