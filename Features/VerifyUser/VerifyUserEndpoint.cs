using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.VerifyUser;

sealed record VerifyUserResponse(string Message);

[AdminEndpoint(AdminScopes.UsersWrite)]
sealed class VerifyUserEndpoint(AccountControl accounts) : EndpointWithoutRequest<Results<Ok<VerifyUserResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/admin/users/{id:long:min(1)}/verify");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            s.Summary = "Confirm a user's address";
            s.Description = "Treats the present address as confirmed; voids mailed links and a pending address as a confirmation does.";
            s.ResponseExamples[200] = new VerifyUserResponse("User verified successfully");
            s.Responses[200] = "Done, now or before.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
            s.Responses[409] = ErrorCodes.NoAddress.Sentence;
        });
    }

    public override async Task<Results<Ok<VerifyUserResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct) =>
        await accounts.VerifyAsync(Route<long>("id"), ct) switch
        {
            true => TypedResults.Ok(new VerifyUserResponse("User verified successfully")),
            false => Problems.Of(ErrorCodes.NoAddress),
            null => Problems.Of(ErrorCodes.NoSuchUser),
        };
}
