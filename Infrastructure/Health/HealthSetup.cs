using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Health;

/// <summary>Says whether the process lives, and whether it can do its work.</summary>
static class HealthSetup
{
    const string LivePath = "/health/live", ReadyPath = "/health/ready";

    public static IReadOnlyList<string> Paths { get; } = [LivePath, ReadyPath];

    public static IServiceCollection AddHealth(this IServiceCollection services) => services.AddSingleton<Readiness>();

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(LivePath, () => TypedResults.Ok(new Health("ok", new Dictionary<string, string>())))
            .AllowAnonymous().WithName("IsLive").WithTags("Health").WithSummary("Is the process alive?").WithDescription("Answers as long as the process does.")
            .WithMetadata(new ResponseExample(200, "Yes.", new Health("ok", new Dictionary<string, string>())));
        routes.MapGet(ReadyPath, ReadyAsync)
            .AllowAnonymous().WithName("IsReady").WithTags("Health").WithSummary("Can the service do its work?")
            .WithDescription("The database answers. When an image cannot be stored, the service is `degraded` and does everything else; `checks` says which part failed. What was found a second ago is answered too.")
            .Produces<Health>().ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithMetadata(new ResponseExample(200, "Yes.", new Health("ok", new Dictionary<string, string> { ["database"] = "ok", ["image_storage"] = "ok" }, 0)))
            .WithMetadata(new ResponseExample(503, "It cannot: the database does not answer.", Problem.Example(ErrorCodes.ServiceNotReady) with { Checks = new Dictionary<string, string> { ["database"] = "failed", ["image_storage"] = "ok" } }));
    }

    // Without a storage of images everything else goes on: an instance that a balancer took out for it would take the log-ins along.
    static async Task<IResult> ReadyAsync(HttpContext context, Readiness readiness)
    {
        var found = await readiness.LatestAsync(context.RequestAborted);
        var checks = new Dictionary<string, string> { ["database"] = Word(found.Database), ["image_storage"] = Word(found.ImageStorage) };
        if (found.Database)
            return TypedResults.Ok(new Health(found.ImageStorage ? "ok" : "degraded", checks, found.Pending));
        context.Response.Headers.RetryAfter = "5";
        return Problems.Of(ErrorCodes.ServiceNotReady, members: new Dictionary<string, object?> { ["checks"] = checks });
    }

    static string Word(bool isFine) => isFine ? "ok" : "failed";
}
