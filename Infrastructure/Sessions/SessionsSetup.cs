using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Registers the services of sessions.</summary>
static class SessionsSetup
{
    /// <summary>
    /// The route answers 401 and asks users with a second factor for a login (RFC 9470) unless the session has proved both in the last ten
    /// minutes.
    /// </summary>
    /// <param name="route">The route.</param>
    /// <param name="ofEverybody">Whether those without a second factor need a login of the last ten minutes as well.</param>
    public static RouteHandlerBuilder NeedsFreshLogin(this RouteHandlerBuilder route, bool ofEverybody = false) =>
        route.WithMetadata(new FreshLogin(ofEverybody));

    /// <summary>Refuses sessions that are not fresh on the routes that need one; after authorisation and before the body arrives.</summary>
    public static IApplicationBuilder UseFreshLogins(this IApplicationBuilder app) => app.Use((context, next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<FreshLogin>() is { OfEverybody: var ofEverybody }
            ? CheckAsync(context, ofEverybody, next) : next(context));

    static async Task CheckAsync(HttpContext context, bool ofEverybody, RequestDelegate next)
    {
        var session = context.RequestServices.GetRequiredService<FreshSession>();
        if (await session.RefusalAsync(ofEverybody, context.RequestAborted) is { } refusal)
            await refusal.ExecuteAsync(context);
        else
            await next(context);
    }

    public static IServiceCollection AddSessions(this IServiceCollection services)
    {
        services.AddSection<SessionsOptions>("Sessions");
        return services
            .AddScoped<SessionRevocation>()
            .AddScoped<SessionTokens>()
            .AddScoped<SessionStart>()
            .AddScoped<Challenges>()
            .AddScoped<FreshSession>()
            .AddCleanup("challenges", (db, now, ct) =>
                db.Challenges.Where(c => c.ExpiresAt <= now).OrderBy(c => c.ExpiresAt).Take(CleanupService.Batch).ExecuteDeleteAsync(ct))
            .AddCleanup("sessions", provider =>
            {
                var lifetime = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.RefreshLifetime;
                return (db, now, ct) =>
                {
                    var expired = now - lifetime;
                    return db.Sessions.Where(s => s.LastUsedAt <= expired)
                        .OrderBy(s => s.LastUsedAt).Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
                };
            })
            .AddCleanup("successors", provider =>
            {
                var window = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.ReuseWindow;
                return (db, now, ct) =>
                {
                    var expired = now - window;
                    return db.Sessions
                        .Where(s => s.Successor != null && s.RotatedAt < expired && db.Sessions
                            .Where(x => x.Successor != null && x.RotatedAt < expired)
                            .OrderBy(x => x.RotatedAt).Take(CleanupService.Batch).Select(x => x.Id).Contains(s.Id))
                        .ExecuteUpdateAsync(s => s.SetProperty(x => x.Successor, (byte[]?)null), ct);
                };
            });
    }
}
