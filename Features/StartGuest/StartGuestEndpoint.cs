using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;
using Profiles.Infrastructure.Telemetry;
using Profiles.Infrastructure.Webhooks;

namespace Profiles.Features.StartGuest;

sealed class StartGuestEndpoint(
    ProfilesDbContext db, SessionStart sessions, SessionTokens tokens, SecurityEventLog events, WebhookEvents webhooks,
    ServiceMetrics metrics, TimeProvider clock)
    : Endpoint<StartGuestRequest, Created<StartGuestResponse>>
{
    public override void Configure()
    {
        Post("/guests");
        AllowAnonymous();
        // Takes no Idempotency-Key: the stored answer would have tokens, for whoever guesses the key of a body that all guests share.
        Description(d => d.LimitedTo(Limit.Guests).WithTags("Account"));
        Summary(s =>
        {
            s.Summary = "Begin as a guest";
            s.Description = "Creates an account without address and password, with a profile like all others, and logs this device in. "
                + "It becomes a full account, with the same id, by `POST /register` with `from_guest` or by any other way in. A guest that "
                + "nobody uses for 90 days, unless the service is configured otherwise, is deleted.";
            s.ExampleRequest = new("John's phone");
            s.ResponseExamples[201] = new StartGuestResponse(1, TokenPair.Example);
            s.ResponseExamples[400] = Problem.Example(ErrorCodes.DeviceInvalid, "device");
            s.Responses[201] = "Begun.";
        });
    }

    public override Task<Created<StartGuestResponse>> ExecuteAsync(StartGuestRequest req, CancellationToken ct) =>
        metrics.Registrations.CountAsync(() => StartAsync(req, ct), _ => "guest");

    async Task<Created<StartGuestResponse>> StartAsync(StartGuestRequest req, CancellationToken ct)
    {
        var user = new Data.User
        {
            GuestSince = clock.GetUtcNow().UtcDateTime,
            Profile = new() { Name = req.Name?.Trim() ?? "" },
        };
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        db.Users.Add(user);
        events.AddWithoutLog(user, SecurityEventKind.Registered);
        await webhooks.SaveNewUsersAsync(db, ct);
        var started = await sessions.StartAsync(user.Id, AuthenticationMethods.Guest, req.Device, u => u.GuestSince != null, ct);
        await transaction.CommitAsync(ct);
        events.WriteToLog(user.Id, SecurityEventKind.Registered);
        return TypedResults.Created("/me", new StartGuestResponse(user.Id, tokens.Issue(started!.Session!, started.Refresh!)));
    }
}
