using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Limits;

/// <summary>Registers what is limited, and says so of a route.</summary>
static class LimitsSetup
{
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddSection<LimitsOptions>("Limits");
        return services
            .AddSingleton<LimitCache>()
            .AddSingleton<ConcurrentRequests>()
            .AddScoped<LimitCounters>()
            .AddScoped<RouteLimits>()
            .AddScoped<FailedLogins>()
            .AddCleanup("counts", (db, now, ct) => db.RateLimits
                .Where(l => l.EndsAt <= now && db.RateLimits.Where(x => x.EndsAt <= now).OrderBy(x => x.EndsAt).Take(CleanupService.Batch)
                    .Select(x => x.KeyHash).Contains(l.KeyHash))
                .ExecuteDeleteAsync(ct));
    }

    /// <summary>The route answers 429 to whoever has asked too often: on an anonymous route an address, on any other a user.</summary>
    public static RouteHandlerBuilder LimitedTo(this RouteHandlerBuilder route, Limit limit) =>
        route.WithMetadata(new Limited(limit)).ProducesProblem(StatusCodes.Status429TooManyRequests);

    /// <summary>The route answers 429 to a user who has too many requests of a kind under way.</summary>
    public static RouteHandlerBuilder ConcurrencyLimitedTo(this RouteHandlerBuilder route, ConcurrencyLimit kind) =>
        route.WithMetadata(new ConcurrencyLimited(kind)).ProducesProblem(StatusCodes.Status429TooManyRequests);

    /// <summary>Refuses an address that asks anonymous routes too often, before anything else is done for it.</summary>
    public static IApplicationBuilder UseAddressLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null ? next(context) : CountAsync(context, ClientNetwork.ForLimits(context), next));

    /// <summary>Refuses a user who asks too often, or too much at once; after authorisation, and before the body has arrived.</summary>
    public static IApplicationBuilder UseUserLimits(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (context.Features.Get<RequestUser>() is not { Id: var id })
        {
            await next(context);
            return;
        }
        var user = FormattableString.Invariant($"user {id}");
        IDisposable? place = null;
        // One that is refused is not counted.
        if (context.GetEndpoint()?.Metadata.GetMetadata<ConcurrencyLimited>() is { Kind: var kind } && (place = context.RequestServices.GetRequiredService<ConcurrentRequests>().TryEnter(user, kind)) is null)
        {
            Refuse(context, ConcurrentRequests.RetryAfter);
            return;
        }
        using (place)
            await CountAsync(context, user, next);
    });

    static async Task CountAsync(HttpContext context, string whom, RequestDelegate next)
    {
        // What was sent before and is only answered again is no new request.
        if (context.GetEndpoint()?.Metadata.GetMetadata<Limited>() is { To: var limit } && !await IdempotencyKeys.IsRepeatAsync(context)
            && await context.RequestServices.GetRequiredService<RouteLimits>().WaitAsync(limit, whom, context.RequestAborted) is { } wait)
        {
            Refuse(context, wait);
            return;
        }
        await next(context);
    }

    static void Refuse(HttpContext context, TimeSpan wait)
    {
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = ExceptionHandler.Seconds(wait);
    }
}
