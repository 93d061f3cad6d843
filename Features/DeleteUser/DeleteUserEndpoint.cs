using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.DeleteUser;

sealed record DeleteUserResponse(string Message);

[AdminEndpoint(AdminScopes.UsersWrite)]
sealed class DeleteUserEndpoint(AccountDeletion account, AuditLog audit)
    : EndpointWithoutRequest<Results<Ok<DeleteUserResponse>, ProblemHttpResult>>
{
    /// <summary>The entry of the audit log.</summary>
    public const string Action = "user.deleted";

    public override void Configure()
    {
        Delete("/admin/users/{id:long:min(1)}");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).WithTags("Users")
            .WithMetadata(new DescribedParameter("id", "The user's id.")));
        Summary(s =>
        {
            s.Summary = "Delete an account";
            s.Description = "Deletes the account, the profile, all sessions and the image for good.";
            s.ResponseExamples[200] = new DeleteUserResponse("User deleted successfully");
            s.Responses[200] = "Deleted.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
        });
    }

    public override async Task<Results<Ok<DeleteUserResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var id = Route<long>("id");
        return await account.DeleteAsync(id, () => audit.Add(Action, id))
            ? TypedResults.Ok(new DeleteUserResponse("User deleted successfully"))
            : Problems.Of(ErrorCodes.NoSuchUser);
    }
}
