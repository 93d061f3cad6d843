using FastEndpoints;
using Microsoft.AspNetCore.Http.HttpResults;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.SecurityEvents;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Features.ExportMe;

sealed class ExportMeEndpoint(CurrentUser me, AccountArchive archive, SecurityEventLog events)
    : EndpointWithoutRequest<Results<PushStreamHttpResult, ProblemHttpResult>>
{
    public override void Configure()
    {
        Get("/me/export");
        Description(d => d.Produces(StatusCodes.Status200OK, contentType: "application/zip").LimitedTo(Limit.Exports)
            .NeedsFreshLogin().WithTags("Profile"));
        Summary(s =>
        {
            s.Summary = "Export my data";
            s.Description = "A zip of `profile.json`, `ways-in.json`, `sessions.json`, `security-events.json` and `picture.jpg` "
                + "(GDPR, article 20).";
            s.Responses[200] = "The archive.";
            s.Responses[503] = ErrorCodes.ImageUnavailable.Sentence;
        });
    }

    public override async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ExecuteAsync(CancellationToken ct)
    {
        try
        {
            var writeAsync = await archive.ReadAsync(me.User, () => events.Add(me.Id, SecurityEventKind.DataExported), ct);
            return TypedResults.Stream(writeAsync, "application/zip", "profile-export.zip");
        }
        catch (ImageStorageException e)
        {
            Logger.LogError(e, "Reading the image for an export failed; the client is told to retry.");
            HttpContext.Response.Headers.RetryAfter = "10";
            return Problems.Of(ErrorCodes.ImageUnavailable);
        }
    }
}
