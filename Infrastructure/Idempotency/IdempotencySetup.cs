using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.OpenApi;

namespace Profiles.Infrastructure.Idempotency;

/// <summary>Registers idempotency keys, and marks the routes that honour them.</summary>
static class IdempotencySetup
{
    static readonly DescribedHeader Key = new(
        IdempotencyKeys.Header,
        "A random value that the client chooses for each action: sent again within 24 hours with the same body, "
            + "the request gets the same answer and has no second effect.",
        s => (s.Pattern, s.MinLength, s.MaxLength) = ("^[ -~]+$", 1, IdempotencyKeys.LongestKey));

    static readonly DescribedHeader Replayed = new(
        IdempotencyKeys.Replayed,
        "Present when this is the stored answer to an earlier request with the key.",
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
    /// <param name="longestBody">In bytes, for a streamed body; null for JSON.</param>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder route, long? longestBody = null) =>
        route.WithMetadata(new Idempotent(longestBody), Key, Replayed)
            .ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status422UnprocessableEntity);

    /// <summary>Call it after authorisation, because a key belongs to the user who sends it.</summary>
    public static IApplicationBuilder UseIdempotencyKeys(this IApplicationBuilder app) => app.UseMiddleware<IdempotencyKeys>();
}
