using System.Text.Json;
using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Http;

namespace Profiles.Features.ListSecurityEvents;

sealed class ListSecurityEventsEndpoint(ProfilesDbContext db, CurrentUser me, TimeProvider clock)
    : EndpointWithoutRequest<Ok<ListSecurityEventsResponse>>
{
    public override void Configure()
    {
        Get("/me/security-events");
        Description(d => d.WithTags("Sessions"));
        Summary(s =>
        {
            s.Summary = "List what happened to my account";
            s.Description = "Logins, failed logins, changes and ended sessions of the last 90 days, the latest first, "
                + $"at most {SecurityEvent.MostListed}.";
            s.ResponseExamples[200] = new ListSecurityEventsResponse(
                [new("logged_in", new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), "John's phone", "203.0.113.0/24")]);
            s.Responses[200] = "The events.";
        });
    }

    public override async Task<Ok<ListSecurityEventsResponse>> ExecuteAsync(CancellationToken ct)
    {
        var since = clock.GetUtcNow().UtcDateTime - SecurityEvent.Retention;
        var events = await db.SecurityEvents.AsNoTracking().Where(e => e.UserId == me.Id && e.At > since)
            .OrderByDescending(e => e.At).ThenByDescending(e => e.Id).Take(SecurityEvent.MostListed).ToListAsync(ct);
        return TypedResults.Ok(new ListSecurityEventsResponse([.. events.Select(e => new ListSecurityEventsEntry(
            JsonNamingPolicy.SnakeCaseLower.ConvertName($"{e.Kind}"), e.At, e.Device, e.Network))]));
    }
}
