using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Features.ExportMe;

sealed class ExportMeEndpoint(ProfilesDbContext db, CurrentUser me, ProfileImages images, SecurityEventLog log) : EndpointWithoutRequest<Results<PushStreamHttpResult, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/me/export");
        Description(d => d.Produces(StatusCodes.Status200OK, contentType: "application/zip").LimitedTo(Limit.Exports).WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Take my data along";
            s.Description = "A zip of `profile.json`, `sessions.json`, `security-events.json` and `picture.jpg` (GDPR, article 20).";
            s.Responses[200] = "The archive.";
            s.Responses[503] = "The picture cannot be read now: try again in a moment.";
        });
    }

    public override async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        byte[]? picture;
        try
        {
            // Before anything is sent: what fails later could only be cut off.
            picture = me.Profile.Image is { } image ? await images.ReadAsync(me.Id, image, ct) : null;
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "A picture could not be read for its owner.");
            HttpContext.Response.Headers.RetryAfter = "10";
            return Problems.Of(ErrorCodes.ImageUnavailable);
        }
        log.Add(me.Id, SecurityEventKind.DataExported);
        await db.SaveChangesAsync(ct);
        var sessions = await db.Sessions.AsNoTracking().Where(s => s.UserId == me.Id).OrderBy(s => s.Id).ToListAsync(ct);
        var events = await db.SecurityEvents.AsNoTracking().Where(e => e.UserId == me.Id).OrderByDescending(e => e.At).Take(SecurityEvent.MostExported).ToListAsync(ct);
        return TypedResults.Stream(output => ExportMeArchive.WriteAsync(output, me.User, sessions, events, picture, ct), "application/zip", "profile-export.zip");
    }
}
