using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.EndOtherSessions;

/// <param name="Message">A sentence for a person.</param>
/// <param name="Ended">How many sessions ended.</param>
sealed record EndOtherSessionsResponse(string Message, int Ended);

sealed class EndOtherSessionsEndpoint(ProfilesDbContext db, CurrentUser me, SessionRevocation sessions)
    : EndpointWithoutRequest<Ok<EndOtherSessionsResponse>>
{
    public override void Configure()
    {
        Delete("/me/sessions");
        Description(d => d.WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "End my other sessions";
            s.Description = "Ends all of my sessions except the one of the access token.";
            s.ResponseExamples[200] = new EndOtherSessionsResponse("Other sessions ended successfully", 2);
            s.Responses[200] = "Ended.";
        });
    }

    public override async Task<Ok<EndOtherSessionsResponse>> ExecuteAsync(CancellationToken ct)
    {
        await using var transaction = await db.LockUserAsync(me.Id, CancellationToken.None);
        var ended = await sessions.RevokeOthersAsync(me.Id, me.SessionId, CancellationToken.None);
        await db.SaveChangesAsync(CancellationToken.None);
        await transaction.CommitAsync(CancellationToken.None);
        return TypedResults.Ok(new EndOtherSessionsResponse("Other sessions ended successfully", ended));
    }
}
