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

sealed class ExportMeEndpoint(ProfilesDbContext db, CurrentUser me, ImageStorages storages, SecurityEventLog events)
    : EndpointWithoutRequest<Results<PushStreamHttpResult, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/me/export");
        Description(d => d.Produces(StatusCodes.Status200OK, contentType: "application/zip").LimitedTo(Limit.Exports).WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Export my data";
            s.Description = "A zip of `profile.json`, `sessions.json`, `security-events.json` and `picture.jpg` (GDPR, article 20).";
            s.Responses[200] = "The archive.";
            s.Responses[503] = ErrorCodes.ImageUnavailable.Sentence;
        });
    }

    public override async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        byte[]? image;
        try
        {
            // Before the answer begins: a later failure could only cut it off.
            image = me.Profile.Image is { } shown ? await storages.Of(shown).ReadAsync(me.Id, shown, side: null, ct) : null;
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "Reading the image for an export failed; the client is told to retry.");
            HttpContext.Response.Headers.RetryAfter = "10";
            return Problems.Of(ErrorCodes.ImageUnavailable);
        }
        events.Add(me.Id, SecurityEventKind.DataExported);
        await db.SaveChangesAsync(ct);
        var sessions = await db.Sessions.AsNoTracking().Where(s => s.UserId == me.Id).OrderBy(s => s.Id).ToListAsync(ct);
        var log = await db.SecurityEvents.AsNoTracking().Where(e => e.UserId == me.Id).OrderByDescending(e => e.At)
            .Take(SecurityEvent.MostExported).ToListAsync(ct);
        return TypedResults.Stream(
            output => ExportMeArchive.WriteAsync(output, me.User, sessions, log, image, ct), "application/zip", "profile-export.zip");
    }
}
