using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.EndUserSessions;

/// <param name="Message">A sentence for a person.</param>
/// <param name="Ended">How many sessions ended.</param>
sealed record EndUserSessionsResponse(string Message, int Ended);

[AdminEndpoint(AdminScopes.UsersWrite)]
sealed class EndUserSessionsEndpoint(AccountControl accounts)
    : EndpointWithoutRequest<Results<Ok<EndUserSessionsResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Post("/admin/users/{id:long:min(1)}/end-sessions");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            s.Summary = "End a user's sessions";
            s.Description = "Logs the user out on every device; the user can log in again.";
            s.ResponseExamples[200] = new EndUserSessionsResponse("Sessions ended successfully", 2);
            s.Responses[200] = "Ended.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
        });
    }

    public override async Task<Results<Ok<EndUserSessionsResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct) =>
        await accounts.EndSessionsAsync(Route<long>("id"), ct) is { } ended
            ? TypedResults.Ok(new EndUserSessionsResponse("Sessions ended successfully", ended))
            : Problems.Of(ErrorCodes.NoSuchUser);
}
