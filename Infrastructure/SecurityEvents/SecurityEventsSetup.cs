using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Cleanup;

namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>Registers the recording of security events and their cleanup.</summary>
static class SecurityEventsSetup
{
    public static IServiceCollection AddSecurityEvents(this IServiceCollection services) => services
        .AddScoped<SecurityEventLog>()
        .AddSingleton<SecurityEventWriter>()
        .AddHostedService(provider => provider.GetRequiredService<SecurityEventWriter>())
        .AddCleanup("events", (db, now, ct) =>
        {
            var since = now - SecurityEvent.Retention;
            return db.SecurityEvents.Where(e => e.At <= since).OrderBy(e => e.At).Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
        });
}
