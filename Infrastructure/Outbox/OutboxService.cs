using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>
/// Takes up what is due in the outbox: at once what this instance has just committed, and at the next look what another did, what a crash
/// cut short and what a store refused. Several instances may do so on one database: who moves an entry's due time has it.
/// </summary>
sealed class OutboxService(
    DatabaseStart database, IServiceScopeFactory scopes, IEnumerable<OutboxLane> lanes, OutboxSignal signal, TimeProvider clock,
    ILogger<OutboxService> log)
    : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2), LongestPause = TimeSpan.FromMinutes(5);

    const int Most = 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            await Task.WhenAll(lanes.Select(lane => RunAsync(lane, stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service ends; what is due is there at the next start.
        }
    }

    async Task RunAsync(OutboxLane lane, CancellationToken ct)
    {
        while (true)
        {
            // Before the look: what is committed during it is not overlooked.
            var committed = signal.Next;
            if (await TryDrainAsync(lane, ct))
                continue;
            await committed.WaitAsync(Pause, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ct.ThrowIfCancellationRequested();
        }
    }

    // Whether there may be more at once.
    async Task<bool> TryDrainAsync(OutboxLane lane, CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            var now = clock.GetUtcNow().UtcDateTime;
            var due = await db.Outbox.AsNoTracking().Where(e => lane.Stores.Contains(e.Store) && e.DueAt <= now)
                .OrderBy(e => e.DueAt).Take(Most).ToListAsync(ct);
            var atOnce = new ParallelOptions { MaxDegreeOfParallelism = lane.AtOnce, CancellationToken = ct };
            await Parallel.ForEachAsync(due, atOnce, async (entry, _) => await TryAsync(lane, entry, ct));
            return due.Count == Most;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away, or its disk is full: whoever has a request to answer says so.
            log.LogDebug(e, "The outbox cannot be read now.");
            return false;
        }
    }

    async Task TryAsync(OutboxLane lane, OutboxEntry entry, CancellationToken stopping)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        var next = clock.GetUtcNow().UtcDateTime + Later(lane, entry.Attempts);
        var taken = await db.Outbox.Where(e => e.Id == entry.Id && e.DueAt == entry.DueAt)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, next).SetProperty(x => x.Attempts, x => x.Attempts + 1), CancellationToken.None);
        if (taken == 0)
            return;
        try
        {
            await ((IOutboxHandler)scope.ServiceProvider.GetRequiredService(lane.Handler)).SettleAsync(entry, stopping);
            log.LogInformation("Done in {Store}: {Entry}.", entry.Store, entry.LogName);
        }
        catch (Exception e)
        {
            log.LogWarning(
                e, "Still to be done in {Store} after {Attempts} attempts: {Entry}; tries again later.",
                entry.Store, entry.Attempts + 1, entry.LogName);
        }
    }

    // Not before whoever works on it must have ended, then twice as long each time; not all at the same moment when what they waited for is
    // there again.
    static TimeSpan Later(OutboxLane lane, int attempts)
    {
        var seconds = Math.Min(lane.Grace.TotalSeconds * Math.Pow(2, Math.Min(attempts, 10)), Math.Max(LongestPause.TotalSeconds, lane.Grace.TotalSeconds));
        return TimeSpan.FromSeconds(seconds * (1 + Random.Shared.NextDouble()));
    }
}
