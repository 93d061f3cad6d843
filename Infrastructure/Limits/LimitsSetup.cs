using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Admin;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Limits;

/// <summary>Registers the limits, and marks the routes that have one.</summary>
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

    /// <summary>The route answers 429 to too many requests: of an address on an anonymous route, of a user on any other.</summary>
    public static RouteHandlerBuilder LimitedTo(this RouteHandlerBuilder route, Limit limit) =>
        route.WithMetadata(new Limited(limit)).ProducesProblem(StatusCodes.Status429TooManyRequests);

    /// <summary>The route answers 429 to a user with too many concurrent requests of a kind.</summary>
    public static RouteHandlerBuilder ConcurrencyLimitedTo(this RouteHandlerBuilder route, ConcurrencyLimit kind) =>
        route.WithMetadata(new ConcurrencyLimited(kind)).ProducesProblem(StatusCodes.Status429TooManyRequests);

    /// <summary>Refuses an address with too many requests to anonymous routes, before any other work.</summary>
    public static IApplicationBuilder UseAddressLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is null
            ? next(context)
            : CountAsync(context, ClientNetwork.ForLimits(context), next));

    /// <summary>Refuses an address with too many wrong admin keys before another one is looked up.</summary>
    public static IApplicationBuilder UseAdminKeyLimits(this IApplicationBuilder app) =>
        app.ApplicationServices.GetRequiredService<IOptions<AdminOptions>>().Value.Port is null
            ? app
            : app.Use((context, next) => context.Features.Get<ExtraListener>() is { Path: AdminEndpointAttribute.Path }
                ? CountKeyAsync(context, next) : next(context));

    /// <summary>Refuses a user with too many requests, also concurrent ones; after authorisation and before the body arrives.</summary>
    public static IApplicationBuilder UseUserLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.Features.Get<RequestUser>() is { Id: var id } && context.GetEndpoint()?.Metadata is { } metadata
            && (metadata.GetMetadata<Limited>() is not null || metadata.GetMetadata<ConcurrencyLimited>() is not null)
            ? CountUserAsync(context, id, next)
            : next(context));

    static async Task CountUserAsync(HttpContext context, long id, RequestDelegate next)
    {
        var user = FormattableString.Invariant($"user {id}");
        IDisposable? slot = null;
        // A refused request is not counted.
        if (context.GetEndpoint()?.Metadata.GetMetadata<ConcurrencyLimited>() is { Kind: var kind }
            && (slot = context.RequestServices.GetRequiredService<ConcurrentRequests>().TryEnter(user, kind)) is null)
        {
            Refuse(context, ConcurrentRequests.RetryAfter);
            return;
        }
        using (slot)
            await CountAsync(context, user, next);
    }

    static async Task CountAsync(HttpContext context, string whom, RequestDelegate next)
    {
        // A repetition that only gets its stored answer is not counted.
        if (context.GetEndpoint()?.Metadata.GetMetadata<Limited>() is { To: var limit } && !await IdempotencyKeys.IsRepeatAsync(context)
            && await context.RequestServices.GetRequiredService<RouteLimits>().WaitAsync(limit, whom, context.RequestAborted) is { } wait)
        {
            Refuse(context, wait);
            return;
        }
        await next(context);
    }

    static async Task CountKeyAsync(HttpContext context, RequestDelegate next)
    {
        var (limits, network) = (context.RequestServices.GetRequiredService<RouteLimits>(), ClientNetwork.ForLimits(context));
        if (limits.Refusal(Limit.AdminKeyFailures, network) is { } wait)
        {
            Refuse(context, wait);
            return;
        }
        await next(context);
        if (context.Response.StatusCode == StatusCodes.Status401Unauthorized)
            await limits.WaitAsync(Limit.AdminKeyFailures, network, CancellationToken.None);
    }

    static void Refuse(HttpContext context, TimeSpan wait)
    {
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = ExceptionHandler.Seconds(wait);
    }
}
