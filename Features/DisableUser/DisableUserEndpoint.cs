using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.DisableUser;

sealed record DisableUserResponse(string Message);

[AdminEndpoint(AdminScopes.UsersWrite)]
sealed class DisableUserEndpoint(AccountControl accounts) : EndpointWithoutRequest<Results<Ok<DisableUserResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/admin/users/{id:long:min(1)}/disable");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            s.Summary = "Disable an account";
            s.Description = "Ends its sessions, voids what is pending, hides the public profile and refuses logins, at once everywhere.";
            s.ResponseExamples[200] = new DisableUserResponse("User disabled successfully");
            s.Responses[200] = "Done, now or before.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
        });
    }

    public override async Task<Results<Ok<DisableUserResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct) =>
        await accounts.DisableAsync(Route<long>("id"), ct)
            ? TypedResults.Ok(new DisableUserResponse("User disabled successfully"))
            : Problems.Of(ErrorCodes.NoSuchUser);
}
