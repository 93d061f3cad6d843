using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>Registers idempotency keys, and says of a route that it takes them.</summary>
static class IdempotencySetup
{
    public static IServiceCollection AddIdempotencyKeys(this IServiceCollection services) => services
        .AddScoped<AnswerStore>()
        .AddCleanup("answers", (db, now, ct) =>
        {
            var since = now - IdempotentAnswer.Kept;
            return db.IdempotentAnswers
                .Where(a => a.CreatedAt <= since && db.IdempotentAnswers.Where(x => x.CreatedAt <= since).OrderBy(x => x.CreatedAt).Take(CleanupService.Batch)
                    .Select(x => x.KeyHash).Contains(a.KeyHash))
                .ExecuteDeleteAsync(ct);
        });

    /// <summary>The route honours <c>Idempotency-Key</c>.</summary>
    /// <param name="route">The route.</param>
    /// <param name="longestBody">In bytes, where the body is not JSON but streamed.</param>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder route, long? longestBody = null) =>
        route.WithMetadata(new Idempotent(longestBody)).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);

    /// <summary>After authorisation, because keys belong to whoever sends them.</summary>
    public static IApplicationBuilder UseIdempotencyKeys(this IApplicationBuilder app) => app.UseMiddleware<IdempotencyKeys>();
}
