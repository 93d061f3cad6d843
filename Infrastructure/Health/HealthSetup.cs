using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Health;

/// <summary>Serves the checks of liveness and readiness.</summary>
static class HealthSetup
{
    const string LivePath = "/health/live", ReadyPath = "/health/ready";

    public static IReadOnlyList<string> Paths { get; } = [LivePath, ReadyPath];

    public static IServiceCollection AddHealth(this IServiceCollection services) => services.AddSingleton<Readiness>();

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(LivePath, () => TypedResults.Ok(new Health("ok", new Dictionary<string, string>())))
            .AllowAnonymous().WithName("IsLive").WithTags("Health").WithSummary("Is the process alive?")
            .WithDescription("Answers as long as the process runs.")
            .WithMetadata(new ProbeMetadata(), new ResponseExample(200, "Yes.", new Health("ok", new Dictionary<string, string>())));
        routes.MapGet(ReadyPath, ReadyAsync)
            .AllowAnonymous().WithName("IsReady").WithTags("Health").WithSummary("Is the service ready?")
            .WithDescription(
                "Ready when the database answers. When images cannot be stored, the service is `degraded` and everything else works; "
                    + "`checks` says which part failed. The result is cached for a second.")
            .Produces<Health>().ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithMetadata(new ProbeMetadata(), new ResponseExample(200, "Yes.", new Health("ok", Checks("ok", "ok"), 0)))
            .WithMetadata(new ResponseExample(
                503,
                "No: the database does not answer.",
                Problem.Example(ErrorCodes.ServiceNotReady) with { Checks = Checks("failed", "ok") }));
    }

    // A failed image storage is not 503: a load balancer would take the instance out, and with it everything that still works.
    static async Task<IResult> ReadyAsync(HttpContext context, Readiness readiness)
    {
        var found = await readiness.LatestAsync(context.RequestAborted);
        var checks = Checks(Word(found.Database), Word(found.ImageStorage));
        if (found.Database)
            return TypedResults.Ok(new Health(found.ImageStorage ? "ok" : "degraded", checks, found.Pending));
        context.Response.Headers.RetryAfter = "5";
        return Problems.Of(ErrorCodes.ServiceNotReady, members: new Dictionary<string, object?> { ["checks"] = checks });
    }

    static Dictionary<string, string> Checks(string database, string imageStorage) =>
        new() { ["database"] = database, ["image_storage"] = imageStorage };

    static string Word(bool isOk) => isOk ? "ok" : "failed";
}
