using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Features.ExportUser;

[AdminEndpoint(AdminScopes.UsersRead)]
sealed class ExportUserEndpoint(ProfilesDbContext db, AccountArchive archive, AuditLog audit)
    : EndpointWithoutRequest<Results<PushStreamHttpResult, ProblemHttpResult>>
{
    /// <summary>The entry of the audit log.</summary>
    public const string Action = "user.exported";

    public override void Configure()
    {
        Get("/admin/users/{id:long:min(1)}/export");
        Description(d => d.Produces(StatusCodes.Status200OK, contentType: "application/zip")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithMetadata(new DescribedParameter("id", "The user's id.")).WithTags("Users"));
        Summary(s =>
        {
            s.Summary = "Export a user's data";
            s.Description = "The zip that the user gets from `GET /me/export`.";
            s.Responses[200] = "The archive.";
            s.Responses[404] = ErrorCodes.NoSuchUser.Sentence;
            s.Responses[503] = ErrorCodes.ImageUnavailable.Sentence;
        });
    }

    public override async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        if (await db.FindUserAsync(Route<long>("id"), ct) is not { } user)
            return Problems.Of(ErrorCodes.NoSuchUser);
        try
        {
            var writeAsync = await archive.ReadAsync(user, () => audit.Add(Action, user.Id), ct);
            return TypedResults.Stream(writeAsync, "application/zip", FormattableString.Invariant($"user-{user.Id}.zip"));
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "Reading the image for an export failed; the operator is told to retry.");
            HttpContext.Response.Headers.RetryAfter = "10";
            return Problems.Of(ErrorCodes.ImageUnavailable);
        }
    }
}
