using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Idempotency;

namespace Profiles.Infrastructure.Limits;

/// <summary>Registers what is limited by address, and says so of a route.</summary>
static class LimitsSetup
{
    public static IServiceCollection AddLimits(this IServiceCollection services) => services
        .AddSingleton<LimitMemory>()
        .AddScoped<LimitCounters>()
        .AddScoped<RouteLimits>()
        .AddScoped<LoginGuard>();

    /// <summary>The route answers 429 to an address that has asked too often.</summary>
    public static RouteHandlerBuilder LimitedTo(this RouteHandlerBuilder route, Limit limit) =>
        route.WithMetadata(new Limited(limit)).ProducesProblem(StatusCodes.Status429TooManyRequests);

    /// <summary>Refuses whoever asks too often, before anything else is done for them.</summary>
    public static IApplicationBuilder UseLimits(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        // What was sent before and is only answered again is no new request.
        if (context.GetEndpoint()?.Metadata.GetMetadata<Limited>() is { } limited && !await IdempotencyKeys.IsRepeatAsync(context)
            && await context.RequestServices.GetRequiredService<RouteLimits>().TakeAsync(limited.To, context) is { } wait)
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = FaultHandler.Seconds(wait);
            return;
        }
        await next(context);
    });
}
