using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.EnableUser;

sealed record EnableUserResponse(string Message);

[AdminEndpoint(AdminScopes.UsersWrite)]
sealed class EnableUserEndpoint(AccountControl accounts) : EndpointWithoutRequest<Results<Ok<EnableUserResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/admin/users/{id:long:min(1)}/enable");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            s.Summary = "Enable an account again";
            s.Description = "The user can log in again; ended sessions stay ended.";
            s.ResponseExamples[200] = new EnableUserResponse("User enabled successfully");
            s.Responses[200] = "Done, now or before.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
        });
    }

    public override async Task<Results<Ok<EnableUserResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct) =>
        await accounts.EnableAsync(Route<long>("id"), ct)
            ? TypedResults.Ok(new EnableUserResponse("User enabled successfully"))
            : Problems.Of(ErrorCodes.NoSuchUser);
}
