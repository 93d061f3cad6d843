using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ShowUser;

[AdminEndpoint(AdminScopes.UsersRead)]
sealed class ShowUserEndpoint(
    ProfilesDbContext db, ImageAddress address, IOptions<SessionsOptions> options, AuditLog audit, TimeProvider clock)
    : EndpointWithoutRequest<Results<Ok<ShowUserResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/admin/users/{id:long:min(1)}");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            var time = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
            s.Summary = "Show an account";
            s.Description = "The account with what an operator needs to help its owner.";
            s.ResponseExamples[200] = new ShowUserResponse(
                1, "john@example.com", time, null, "John Doe", "john.doe", true, null, null, time, time, null, null, true, ["google"],
                1, true, 2, time);
            s.Responses[200] = "The account.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
        });
    }

    public override async Task<Results<Ok<ShowUserResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct) =>
        await db.FindUserAsync(Route<long>("id"), ct) is { } user
            ? TypedResults.Ok(await new ShowUserReader(db, address, options, audit, clock).ReadAsync(user, ct))
            : Problems.Of(ErrorCodes.NoSuchUser);
}
