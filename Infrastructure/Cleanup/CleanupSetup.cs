using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Deletes at most <see cref="CleanupService.Batch"/> rows, the oldest first, by the index of their time, and says how many there were. Of
/// rows that may be renewed it asks the row itself too whether it has expired: on PostgreSQL it may have been renewed while its lock was
/// waited for.
/// </summary>
delegate Task<int> DeleteBatch(ProfilesDbContext db, DateTime now, CancellationToken ct);

/// <summary>A kind of rows that expire.</summary>
/// <param name="Kind">What the log calls them.</param>
/// <param name="Begin">Makes what deletes them in one sweep.</param>
sealed record ExpiredRows(string Kind, Func<IServiceProvider, DeleteBatch> Begin);

/// <summary>Registers what expires.</summary>
static class CleanupSetup
{
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, DeleteBatch delete) =>
        services.AddCleanup(kind, _ => delete);

    /// <summary>The same where it needs a setting, or remembers something from one batch to the next.</summary>
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, Func<IServiceProvider, DeleteBatch> begin)
    {
        services.TryAddSingleton<CleanupService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CleanupService>(p => p.GetRequiredService<CleanupService>()));
        return services.AddSingleton(new ExpiredRows(kind, begin));
    }
}
