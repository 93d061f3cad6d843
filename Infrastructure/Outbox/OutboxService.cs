using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Outbox;

/// <summary>
/// Takes up what is due in the outbox: what a crash cut short, and what another store refused. Several instances may do so on one database: who moves an entry's
/// due time has it.
/// </summary>
sealed class OutboxService(DatabaseStart database, IServiceScopeFactory scopes, IOptions<ImagesOptions> options, TimeProvider clock, ILogger<OutboxService> log) : BackgroundService
{
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2), LongestPause = TimeSpan.FromMinutes(5);

    const int AtOnce = 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            while (true)
            {
                if (!await TryDrainAsync(stoppingToken))
                    await Task.Delay(Pause, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service ends; what is due is there at the next start.
        }
    }

    // Whether there may be more at once.
    async Task<bool> TryDrainAsync(CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            var now = clock.GetUtcNow().UtcDateTime;
            var due = await db.Outbox.AsNoTracking().Where(e => e.DueAt <= now).OrderBy(e => e.DueAt).Take(AtOnce).ToListAsync(ct);
            foreach (var entry in due)
            {
                ct.ThrowIfCancellationRequested();
                await TryAsync(db, entry);
            }
            return due.Count == AtOnce;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away, or its disk is full: whoever has a request to answer says so.
            log.LogDebug(e, "The outbox cannot be read now.");
            return false;
        }
    }

    async Task TryAsync(ProfilesDbContext db, OutboxEntry entry)
    {
        var next = clock.GetUtcNow().UtcDateTime + Later(entry.Attempts);
        var taken = await db.Outbox.Where(e => e.Id == entry.Id && e.DueAt == entry.DueAt)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, next).SetProperty(x => x.Attempts, x => x.Attempts + 1), CancellationToken.None);
        if (taken == 0)
            return;
        try
        {
            using var scope = scopes.CreateScope();
            await scope.ServiceProvider.GetRequiredService<IOutboxHandler>().SettleAsync(entry);
            log.LogInformation("Done in {Store}: {Key}.", entry.Store, entry.Key);
        }
        catch (Exception e)
        {
            log.LogWarning(e, "Still to be done in {Store} after {Attempts} attempts: {Key}.", entry.Store, entry.Attempts + 1, entry.Key);
        }
    }

    // Not before whoever works on it must have ended, then twice as long each time; not all at the same moment when what they waited for is there again.
    TimeSpan Later(int attempts)
    {
        var seconds = Math.Min(options.Value.Grace.TotalSeconds * Math.Pow(2, Math.Min(attempts, 10)), Math.Max(LongestPause.TotalSeconds, options.Value.Grace.TotalSeconds));
        return TimeSpan.FromSeconds(seconds * (1 + Random.Shared.NextDouble()));
    }
}
