using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Registers the services of sessions.</summary>
static class SessionsSetup
{
    public static IServiceCollection AddSessions(this IServiceCollection services)
    {
        services.AddSection<SessionsOptions>("Sessions");
        return services
            .AddScoped<SessionRevocation>()
            .AddScoped<SessionTokens>()
            .AddCleanup("sessions", provider =>
            {
                var lifetime = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.RefreshLifetime;
                return (db, now, ct) =>
                {
                    var expired = now - lifetime;
                    return db.Sessions.Where(s => s.LastUsedAt <= expired).OrderBy(s => s.LastUsedAt)
                        .Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
                };
            })
            .AddCleanup("successors", ClearSuccessors);
    }

    // Clears the stored successors of refresh tokens after the reuse window. There is no index for that: walks the sessions by id.
    static CleanBatch ClearSuccessors(IServiceProvider provider)
    {
        var window = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.ReuseWindow;
        var last = 0L;
        return async (db, now, ct) =>
        {
            var expired = now - window;
            var found = await db.Sessions.Where(s => s.Id > last && s.Successor != null && s.RotatedAt < expired)
                .OrderBy(s => s.Id).Take(CleanupService.Batch).Select(s => s.Id).ToListAsync(ct);
            last = found.LastOrDefault(last);
            await db.Sessions.Where(s => found.Contains(s.Id) && s.RotatedAt < expired)
                .ExecuteUpdateAsync(s => s.SetProperty(x => x.Successor, (byte[]?)null), ct);
            return found.Count;
        };
    }
}
