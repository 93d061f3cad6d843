using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>
/// Handles due outbox entries: at once those that this instance has just committed, and by polling those of other instances, of a crash and
/// of a failed attempt. Several instances may share a database: the one that moves an entry's due time handles it.
/// </summary>
sealed class OutboxService(
    DatabaseStart database, IServiceScopeFactory scopes, IEnumerable<OutboxLane> lanes, OutboxSignal signal, TimeProvider clock,
    ILogger<OutboxService> log)
    : BackgroundService
{
    static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2), MaxBackoff = TimeSpan.FromMinutes(5);

    const int BatchSize = 20;

    // Of a lane's own times.
    const double RetryJitter = 0.1;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            await Task.WhenAll(lanes.Select(
                lane => lane.Keys is null ? RunAsync(lane, key: null, stoppingToken) : RunEachAsync(lane, stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops; due entries stay in the database for the next start.
        }
    }

    // A loop for each key.
    async Task RunEachAsync(OutboxLane lane, CancellationToken ct)
    {
        var loops = new Dictionary<string, Task>();
        try
        {
            while (true)
            {
                foreach (var key in lane.Keys!().Where(k => !loops.TryGetValue(k, out var loop) || loop.IsCompleted))
                    loops[key] = RunAsync(lane, key, ct);
                await Task.Delay(PollInterval, clock, ct);
            }
        }
        finally
        {
            await Task.WhenAll(loops.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task RunAsync(OutboxLane lane, string? key, CancellationToken ct)
    {
        while (key is null || lane.Keys!().Contains(key))
        {
            // Taken before reading, so that a commit during the read is not missed.
            var committed = signal.Next;
            if (await TryDrainAsync(lane, key, ct))
                continue;
            await committed.WaitAsync(PollInterval, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ct.ThrowIfCancellationRequested();
        }
    }

    // Returns whether more entries may be due.
    async Task<bool> TryDrainAsync(OutboxLane lane, string? key, CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            var now = clock.GetUtcNow().UtcDateTime;
            var engine = scope.ServiceProvider.GetRequiredService<DatabaseEngine>();
            var any = $"SELECT 1 FROM outbox WHERE store IN ({string.Join(", ", lane.Stores.Select(s => $"{s:D}"))}) AND due_at <= @now";
            if (await (key is null
                ? engine.ReadAsync($"{any} LIMIT 1", ct, ("now", now))
                : engine.ReadAsync($"{any} AND key = @key AND payload IS NOT NULL LIMIT 1", ct, ("now", now), ("key", key))) is null)
                return false;
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            var entries = db.Outbox.AsNoTracking().Where(e => lane.Stores.Contains(e.Store) && e.DueAt <= now);
            // The index with the key is of entries with a payload.
            if (key is not null)
                entries = entries.Where(e => e.Key == key && e.Payload != null && e.State != OutboxState.Dead);
            var due = await entries.OrderBy(e => e.DueAt).Take(BatchSize).ToListAsync(ct);
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = lane.Concurrency, CancellationToken = ct };
            await Parallel.ForEachAsync(due, parallel, async (entry, _) => await TryAsync(lane, entry, ct));
            return due.Count == BatchSize;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away or its disk is full; the requests that fail for it log that.
            log.LogDebug(e, "The outbox cannot be read; the next poll retries.");
            return false;
        }
    }

    async Task TryAsync(OutboxLane lane, OutboxEntry entry, CancellationToken stopping)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        var next = clock.GetUtcNow().UtcDateTime + Backoff(lane, entry.Attempts);
        var taken = await db.Outbox.Where(e => e.Id == entry.Id && e.DueAt == entry.DueAt)
            .ExecuteUpdateAsync(
                e => e.SetProperty(x => x.DueAt, next).SetProperty(x => x.Attempts, x => x.Attempts + 1), CancellationToken.None);
        if (taken == 0)
            return;
        try
        {
            await ((IOutboxHandler)scope.ServiceProvider.GetRequiredService(lane.Handler)).HandleAsync(entry, stopping);
            log.LogInformation("Completed in {Store}: {Entry}.", entry.Store, entry.LogName);
        }
        catch (Exception e)
        {
            log.LogWarning(
                e, "Attempt {Attempt} in {Store} failed: {Entry}; retries later.", entry.Attempts + 1, entry.Store, entry.LogName);
        }
    }

    // Not before the current attempt must have ended, then doubling; the jitter spreads the retries once a failed store is back.
    static TimeSpan Backoff(OutboxLane lane, int attempts)
    {
        if (lane.Retries is { } retries)
        {
            var wait = retries[Math.Min(attempts, retries.Count - 1)];
            return (wait > lane.Grace ? wait : lane.Grace) * (1 + (RetryJitter * Random.Shared.NextDouble()));
        }
        var seconds = Math.Min(
            lane.Grace.TotalSeconds * Math.Pow(2, Math.Min(attempts, 10)),
            Math.Max(MaxBackoff.TotalSeconds, lane.Grace.TotalSeconds));
        return TimeSpan.FromSeconds(seconds * (1 + Random.Shared.NextDouble()));
    }
}
