using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Cleans up at most <see cref="CleanupService.Batch"/> rows and returns how many. A deletion takes the oldest first, by the index of their
/// time. For rows that can be renewed the statement also checks each row itself: another transaction may have renewed it while PostgreSQL
/// waited for its row lock.
/// </summary>
delegate Task<int> CleanBatch(ProfilesDbContext db, DateTime now, CancellationToken ct);

/// <summary>A kind of rows that expire.</summary>
/// <param name="Kind">The name in the log.</param>
/// <param name="Begin">Creates the delegate that deletes them in one sweep.</param>
sealed record ExpiredRows(string Kind, Func<IServiceProvider, CleanBatch> Begin);

/// <summary>Registers kinds of rows that expire.</summary>
static class CleanupSetup
{
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, CleanBatch delete) =>
        services.AddCleanup(kind, _ => delete);

    /// <summary>Registers a kind whose deletion needs a setting, or keeps state between batches.</summary>
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, Func<IServiceProvider, CleanBatch> begin)
    {
        services.TryAddSingleton<CleanupService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CleanupService>(p => p.GetRequiredService<CleanupService>()));
        return services.AddSingleton(new ExpiredRows(kind, begin));
    }
}
