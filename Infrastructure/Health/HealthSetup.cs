using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Health;

/// <summary>Says whether the process lives, and whether it can do its work: the database answers and a picture could be stored.</summary>
static class HealthSetup
{
    const string LivePath = "/health/live", ReadyPath = "/health/ready";

    const string Ready = "ready";

    const string Outbox = "outbox";

    public static IReadOnlyList<string> Paths { get; } = [LivePath, ReadyPath];

    public static IServiceCollection AddHealth(this IServiceCollection services)
    {
        // One for all, since it keeps what it found.
        services.AddSingleton<ImageStorageCheck>().AddHealthChecks()
            .AddCheck<DatabaseCheck>("database", tags: [Ready])
            .AddCheck<ImageStorageCheck>("image_storage", tags: [Ready]);
        return services;
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        // The framework would answer every method.
        var onlyGet = new HttpMethodMetadata([HttpMethods.Get]);
        routes.MapHealthChecks(LivePath, new() { Predicate = _ => false, ResponseWriter = WriteAsync }).AllowAnonymous().WithMetadata(onlyGet);
        routes.MapHealthChecks(ReadyPath, new() { Predicate = c => c.Tags.Contains(Ready), ResponseWriter = WriteAsync }).AllowAnonymous().WithMetadata(onlyGet);
    }

    static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var checks = report.Entries.ToDictionary(e => e.Key, e => e.Value.Status == HealthStatus.Healthy ? "ok" : "failed");
        if (report.Status == HealthStatus.Healthy)
            return Pending(report) is { } pending
                ? context.Response.WriteAsJsonAsync(new { Status = "ok", Checks = checks, Pending = pending })
                : context.Response.WriteAsJsonAsync(new { Status = "ok", Checks = checks });
        context.Response.Headers.RetryAfter = "5";
        var problem = Problems.Details(ErrorCodes.ServiceNotReady, members: new Dictionary<string, object?> { ["checks"] = checks });
        if (Pending(report) is { } left)
            problem.Extensions["pending"] = left;
        return context.RequestServices.GetRequiredService<IProblemDetailsService>().WriteAsync(new() { HttpContext = context, ProblemDetails = problem }).AsTask();
    }

    // What is still to be done in the other stores; null where nobody looked.
    static int? Pending(HealthReport report) =>
        report.Entries.Select(e => e.Value.Data.GetValueOrDefault(Outbox)).OfType<int>().Cast<int?>().SingleOrDefault();

    // An exception is a failed check to the framework, which logs it.
    sealed class DatabaseCheck(DatabaseStart start, ProfilesDbContext db) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (!start.Ready.IsCompleted)
                return HealthCheckResult.Unhealthy();
            // On SQLite a transaction waits for the one that writes: readiness is to be able to write.
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            var pending = await db.Outbox.CountAsync(cancellationToken);
            return HealthCheckResult.Healthy(data: new Dictionary<string, object> { [Outbox] = pending });
        }
    }

    // Anyone may ask, and each look writes a file or calls another service: what was found holds for some seconds.
    sealed class ImageStorageCheck(IImageStorage storage, TimeProvider clock) : IHealthCheck
    {
        static readonly TimeSpan Lasts = TimeSpan.FromSeconds(3);

        readonly Lock turn = new();
        Task look = Task.CompletedTask;
        long? lookedAt;

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            // An exception is a failed check to the framework, which logs it.
            await LatestLook().WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }

        // Without a caller's token: others wait for the same look.
        Task LatestLook()
        {
            lock (turn)
            {
                if (lookedAt is null || (look.IsCompleted && clock.GetElapsedTime(lookedAt.Value) > Lasts))
                    (look, lookedAt) = (Task.Run(() => storage.CheckAsync(CancellationToken.None)), clock.GetTimestamp());
                return look;
            }
        }
    }
}
