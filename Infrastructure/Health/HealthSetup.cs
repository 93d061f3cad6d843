using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Health;

/// <summary>Says whether the process lives, and whether it can do its work.</summary>
static class HealthSetup
{
    const string LivePath = "/health/live", ReadyPath = "/health/ready";

    public static IReadOnlyList<string> Paths { get; } = [LivePath, ReadyPath];

    public static IServiceCollection AddHealth(this IServiceCollection services) => services.AddSingleton<Readiness>();

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(LivePath, () => TypedResults.Ok(new { Status = "ok", Checks = new Dictionary<string, string>() })).AllowAnonymous().ExcludeFromDescription();
        routes.MapGet(ReadyPath, ReadyAsync).AllowAnonymous().ExcludeFromDescription();
    }

    // Without a storage of images everything else goes on: an instance that a balancer took out for it would take the log-ins along.
    static async Task<IResult> ReadyAsync(HttpContext context, Readiness readiness)
    {
        var found = await readiness.LatestAsync(context.RequestAborted);
        var checks = new Dictionary<string, string> { ["database"] = Word(found.Database), ["image_storage"] = Word(found.ImageStorage) };
        if (found.Database)
            return TypedResults.Ok(new { Status = found.ImageStorage ? "ok" : "degraded", Checks = checks, found.Pending });
        context.Response.Headers.RetryAfter = "5";
        return Problems.Of(ErrorCodes.ServiceNotReady, members: new Dictionary<string, object?> { ["checks"] = checks });
    }

    static string Word(bool isFine) => isFine ? "ok" : "failed";
}
