using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Deletes at most <see cref="CleanupService.Batch"/> rows, the oldest first, by the index of their time, and returns how many. For rows
/// that can be renewed the statement also checks each row itself, which another transaction may have renewed while PostgreSQL waited for
/// its row lock.
/// </summary>
delegate Task<int> DeleteBatch(ProfilesDbContext db, DateTime now, CancellationToken ct);

/// <summary>A kind of rows that expire.</summary>
/// <param name="Kind">The name in the log.</param>
/// <param name="Begin">Creates the delegate that deletes them in one sweep.</param>
sealed record ExpiredRows(string Kind, Func<IServiceProvider, DeleteBatch> Begin);

/// <summary>Registers kinds of rows that expire.</summary>
static class CleanupSetup
{
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, DeleteBatch delete) =>
        services.AddCleanup(kind, _ => delete);

    /// <summary>Registers a kind whose deletion needs a setting, or keeps state between batches.</summary>
    public static IServiceCollection AddCleanup(this IServiceCollection services, string kind, Func<IServiceProvider, DeleteBatch> begin)
    {
        services.TryAddSingleton<CleanupService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CleanupService>(p => p.GetRequiredService<CleanupService>()));
        return services.AddSingleton(new ExpiredRows(kind, begin));
    }
}
