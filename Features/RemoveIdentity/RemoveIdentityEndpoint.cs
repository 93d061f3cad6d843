using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.RemoveIdentity;

sealed record RemoveIdentityResponse(string Message);

sealed class RemoveIdentityEndpoint(ProfilesDbContext db, CurrentUser me, WaysIn ways, IdentityLinks links)
    : EndpointWithoutRequest<Results<Ok<RemoveIdentityResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me/identities/{id:long:min(1)}");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
            .WithMetadata(new DescribedParameter("id", "The identity's id.")).NeedsFreshLogin().WithTags("Identities"));
        Summary(s =>
        {
            s.Summary = "Remove one of my identities";
            s.Description = "It does not log in to my account any more; sessions stay. Apple's tokens are revoked.";
            s.ResponseExamples[200] = new RemoveIdentityResponse("Identity removed successfully");
            s.Responses[200] = "Removed.";
            s.Responses[404] = ErrorCodes.IdentityNotFound.Sentence;
            s.Responses[409] = ErrorCodes.LastWayIn.Sentence;
        });
    }

    public override async Task<Results<Ok<RemoveIdentityResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var id = Route<long>("id");
        // One removal of a way in at a time.
        await using var transaction = await db.LockUserAsync(me.Id, ct);
        if (await db.Identities.AsNoTracking().SingleOrDefaultAsync(i => i.Id == id && i.UserId == me.Id, ct) is not { } identity)
            return Problems.Of(ErrorCodes.IdentityNotFound);
        await db.Identities.Where(i => i.Id == id).ExecuteDeleteAsync(ct);
        if (!await ways.RemainAsync(me.Id, ct))
            return Problems.Of(ErrorCodes.LastWayIn);
        links.AfterRemoval(identity, me.User.Email);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return TypedResults.Ok(new RemoveIdentityResponse("Identity removed successfully"));
    }
}
