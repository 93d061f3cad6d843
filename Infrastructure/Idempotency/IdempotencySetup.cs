using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>Registers idempotency keys, and says of a route that it takes them.</summary>
static class IdempotencySetup
{
    static readonly DescribedHeader Key = new(
        IdempotencyKeys.Header,
        "Yours, random, one for each thing to be done: sent again within 24 hours with the same body, "
            + "the request has the same answer and no second effect.",
        s => (s.Pattern, s.MinLength, s.MaxLength) = ("^[ -~]+$", 1, IdempotencyKeys.LongestKey));

    static readonly DescribedHeader Replayed = new(
        IdempotencyKeys.Replayed,
        "There when it is the answer to an earlier request with the key.",
        s => s.Pattern = "^true$",
        IsAnswered: true);

    public static IServiceCollection AddIdempotencyKeys(this IServiceCollection services) => services
        .AddScoped<AnswerStore>()
        .AddCleanup("answers", (db, now, ct) =>
        {
            var since = now - IdempotentAnswer.Retention;
            return db.IdempotentAnswers
                .Where(a => a.CreatedAt <= since && db.IdempotentAnswers.Where(x => x.CreatedAt <= since)
                    .OrderBy(x => x.CreatedAt).Take(CleanupService.Batch).Select(x => x.KeyHash).Contains(a.KeyHash))
                .ExecuteDeleteAsync(ct);
        });

    /// <summary>The route honours <c>Idempotency-Key</c>.</summary>
    /// <param name="route">The route.</param>
    /// <param name="longestBody">In bytes, where the body is not JSON but streamed.</param>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder route, long? longestBody = null) =>
        route.WithMetadata(new Idempotent(longestBody), Key, Replayed)
            .ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);

    /// <summary>After authorisation, because keys belong to whoever sends them.</summary>
    public static IApplicationBuilder UseIdempotencyKeys(this IApplicationBuilder app) => app.UseMiddleware<IdempotencyKeys>();
}
