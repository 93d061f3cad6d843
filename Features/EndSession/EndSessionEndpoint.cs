using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.OpenApi;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.EndSession;

sealed record EndSessionResponse(string Message);

sealed class EndSessionEndpoint(ProfilesDbContext db, CurrentUser me, SessionRevocation sessions)
    : EndpointWithoutRequest<Results<Ok<EndSessionResponse>, ProblemHttpResult>>
{
    public override void Configure()
    {
        Delete("/me/sessions/{id:long:min(1)}");
        Description(d => d.ProducesProblem(StatusCodes.Status404NotFound)
            .WithMetadata(new DescribedParameter("id", "The session's id.")).WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "End one of my sessions";
            s.Description = "Ends the session; its tokens are refused from the next request on.";
            s.ResponseExamples[200] = new EndSessionResponse("Session ended successfully");
            s.Responses[200] = "Ended.";
            s.Responses[404] = "There is no such session";
        });
    }

    public override async Task<Results<Ok<EndSessionResponse>, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        var id = Route<long>("id");
        var ended = await sessions.RevokeAsync(
            me.Id, SecurityEventKind.SessionEnded, db.Sessions.Where(s => s.Id == id && s.UserId == me.Id));
        return ended == 1
            ? TypedResults.Ok(new EndSessionResponse("Session ended successfully"))
            : Problems.Of(ErrorCodes.SessionNotFound);
    }
}
