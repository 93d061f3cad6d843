using Profiles.Data;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Deletes expired rows every hour on every instance, in batches between which others can write. A kind that fails does not stop the
/// others, and one that runs out of time continues a minute later.
/// </summary>
sealed class CleanupService(
    DatabaseStart database, IServiceScopeFactory scopes, IEnumerable<ExpiredRows> kinds, TimeProvider clock, ILogger<CleanupService> log)
    : BackgroundService
{
    /// <summary>The number of rows that one statement deletes.</summary>
    public const int Batch = 1000;

    // Lets requests write between batches: SQLite has one writer at a time.
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // For each kind in one sweep: enough for some hundred thousand rows.
    static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    /// <summary>Deletes expired rows; returns whether some are left or could not be deleted.</summary>
    /// <param name="budget">The time for each kind; one batch is always deleted.</param>
    /// <param name="ct">Cancels the sweep.</param>
    public async Task<bool> SweepAsync(TimeSpan budget, CancellationToken ct)
    {
        var (now, hasMore) = (clock.GetUtcNow().UtcDateTime, false);
        foreach (var kind in kinds)
            hasMore |= await TryDeleteAsync(kind, now, budget, ct);
        return hasMore | !await TryEraseAsync(ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            // Soon after the start, for instances that restart often, and at a random time, so that instances do not sweep together.
            await Task.Delay(TimeSpan.FromMinutes(1 + (4 * Random.Shared.NextDouble())), clock, stoppingToken);
            while (true)
            {
                var minutes = await SweepAsync(Budget, stoppingToken) ? 1 : 60;
                await Task.Delay(TimeSpan.FromMinutes(minutes * (0.9 + (0.2 * Random.Shared.NextDouble()))), clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops; the next start continues.
        }
    }

    async Task<bool> TryEraseAsync(CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            return await scope.ServiceProvider.GetRequiredService<ProfilesDbContext>().EraseDeletedAsync(ct);
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.LogWarning(e, "Could not erase the copies of deleted rows; retries in a minute.");
            return false;
        }
    }

    async Task<bool> TryDeleteAsync(ExpiredRows kind, DateTime now, TimeSpan budget, CancellationToken ct)
    {
        var (start, deleted) = (clock.GetTimestamp(), 0);
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            var deleteAsync = kind.Begin(scope.ServiceProvider);
            int batch;
            do
            {
                deleted += batch = await deleteAsync(db, now, ct);
                if (batch < Batch)
                    return false;
                await Task.Delay(Pause, clock, ct);
            }
            while (clock.GetElapsedTime(start) < budget);
            log.LogInformation("Cleaned up {Count} expired {Kind}, and more are left; continues in a minute.", deleted, kind.Kind);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.LogWarning(e, "Could not clean up more expired {Kind} after {Count}; retries in a minute.", kind.Kind, deleted);
            return true;
        }
        finally
        {
            log.LogDebug("Cleaned up {Count} expired {Kind}.", deleted, kind.Kind);
        }
    }
}
