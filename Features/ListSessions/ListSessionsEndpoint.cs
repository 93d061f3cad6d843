using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ListSessions;

sealed class ListSessionsEndpoint(ProfilesDbContext db, CurrentUser me, IOptions<SessionsOptions> options, TimeProvider clock)
    : EndpointWithoutRequest<Ok<ListSessionsResponse>>
{
    public override void Configure()
    {
        Get("/me/sessions");
        Description(d => d.WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "List my sessions";
            s.Description = "Every session of mine that has not expired, the latest used first.";
            s.ResponseExamples[200] = new ListSessionsResponse(
                [new(1, "John's phone", new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), new(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc), true)]);
            s.Responses[200] = "The sessions.";
        });
    }

    public override async Task<Ok<ListSessionsResponse>> ExecuteAsync(CancellationToken ct)
    {
        var expired = clock.GetUtcNow().UtcDateTime - options.Value.RefreshLifetime;
        var sessions = await db.Sessions.Where(s => s.UserId == me.Id && s.LastUsedAt > expired)
            .OrderByDescending(s => s.LastUsedAt).ThenByDescending(s => s.Id)
            .Select(s => new ListSessionsEntry(s.Id, s.Device, s.CreatedAt, s.LastUsedAt, s.Id == me.SessionId)).ToListAsync(ct);
        return TypedResults.Ok(new ListSessionsResponse(sessions));
    }
}
