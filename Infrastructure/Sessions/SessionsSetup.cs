using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Sessions;

/// <summary>Registers the sessions.</summary>
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
                    var since = now - lifetime;
                    return db.Sessions.Where(s => s.LastUsedAt <= since).OrderBy(s => s.LastUsedAt)
                        .Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
                };
            })
            .AddCleanup("successors", ForgetSuccessors);
    }

    // What a lost reply is told from is of no use after its time. No index leads there: one pass over the sessions by their ids, which only
    // reads.
    static DeleteBatch ForgetSuccessors(IServiceProvider provider)
    {
        var window = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.ReuseWindow;
        var last = 0L;
        return async (db, now, ct) =>
        {
            var since = now - window;
            var found = await db.Sessions.Where(s => s.Id > last && s.Successor != null && s.RotatedAt < since)
                .OrderBy(s => s.Id).Take(CleanupService.Batch).Select(s => s.Id).ToListAsync(ct);
            last = found.LastOrDefault(last);
            await db.Sessions.Where(s => found.Contains(s.Id) && s.RotatedAt < since)
                .ExecuteUpdateAsync(s => s.SetProperty(x => x.Successor, (byte[]?)null), ct);
            return found.Count;
        };
    }
}
