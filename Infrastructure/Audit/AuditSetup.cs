using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Audit;

/// <summary>Registers the audit log and its cleanup.</summary>
static class AuditSetup
{
    public static IServiceCollection AddAuditLog(this IServiceCollection services)
    {
        services.AddSection<AuditOptions>("Audit");
        return services.AddHttpContextAccessor().AddScoped<AuditLog>().AddCleanup("audit entries", provider =>
        {
            var retention = provider.GetRequiredService<IOptions<AuditOptions>>().Value.Retention;
            return (db, now, ct) =>
            {
                var expired = now - retention;
                return db.AuditLog.Where(e => e.At <= expired).OrderBy(e => e.At).Take(CleanupService.Batch).ExecuteDeleteAsync(ct);
            };
        });
    }
}
