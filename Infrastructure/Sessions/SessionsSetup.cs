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
            .AddScoped<SessionStart>()
            .AddScoped<Challenges>()
            .AddCleanup("challenges", (db, now, ct) =>
                db.Challenges.Where(c => c.ExpiresAt <= now).OrderBy(c => c.ExpiresAt).Take(CleanupService.Batch).ExecuteDeleteAsync(ct))
            .AddCleanup("sessions", provider =>
            {
                var lifetime = provider.GetRequiredService<IOptions<SessionsOptions>>().Value.RefreshLifetime;
                return (db, now, ct) =>
                {
                    var expired = now - lifetime;
                    // A guest's tells when the account was used last, and is deleted with it.
                    return db.Sessions
                        .Where(s => s.LastUsedAt <= expired
                            && !db.Users.Any(u => u.Id == s.UserId && u.GuestSince != null && u.NormalizedEmail == null))
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
