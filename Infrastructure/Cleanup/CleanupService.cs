using Profiles.Data;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Deletes expired rows every hour and on every instance, a thousand of a kind at a time: others write in between. A kind that fails does
/// not keep the others, and one that has more than its time is enough for goes on soon.
/// </summary>
sealed class CleanupService(
    DatabaseStart database, IServiceScopeFactory scopes, IEnumerable<ExpiredRows> kinds, TimeProvider clock, ILogger<CleanupService> log)
    : BackgroundService
{
    /// <summary>As many rows are deleted by one statement.</summary>
    public const int Batch = 1000;

    // For whoever waits to write: on SQLite there is one writer at a time.
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // Of each kind, in one sweep: some hundred thousand rows.
    static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    /// <summary>Deletes what has expired by now; whether some of it is left, or could not be deleted.</summary>
    /// <param name="budget">The time that each kind has; one batch is deleted in any case.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<bool> SweepAsync(TimeSpan budget, CancellationToken ct)
    {
        var (now, isLeft) = (clock.GetUtcNow().UtcDateTime, false);
        foreach (var kind in kinds)
            isLeft |= await TryDeleteAsync(kind, now, budget, ct);
        return isLeft | !await TryEraseAsync(ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            // Soon after the start, for those who start it often; and not all instances at once.
            await Task.Delay(TimeSpan.FromMinutes(1 + (4 * Random.Shared.NextDouble())), clock, stoppingToken);
            while (true)
            {
                var minutes = await SweepAsync(Budget, stoppingToken) ? 1 : 60;
                await Task.Delay(TimeSpan.FromMinutes(minutes * (0.9 + (0.2 * Random.Shared.NextDouble()))), clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start does it.
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
            log.LogWarning(e, "Could not erase the copies of deleted rows; tries again in a minute.");
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
            log.LogInformation("Deleted {Count} expired {Kind}, and some are left; goes on in a minute.", deleted, kind.Kind);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.LogWarning(e, "Could not delete more expired {Kind} after {Count}; tries again in a minute.", kind.Kind, deleted);
            return true;
        }
        finally
        {
            log.LogDebug("Deleted {Count} expired {Kind}.", deleted, kind.Kind);
        }
    }
}
