using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Images;
using Profiles.Infrastructure.Mail;

namespace Profiles.Infrastructure.Outbox;

/// <summary>
/// Takes up what is due in the outbox: what a crash cut short, and what another store refused. Several instances may do so on one database: who moves an entry's
/// due time has it. Mails and pictures do not wait for each other.
/// </summary>
sealed class OutboxService(
    DatabaseStart database, IServiceScopeFactory scopes, IOptions<ImagesOptions> images, IOptions<MailOptions> mail, TimeProvider clock, ILogger<OutboxService> log) : BackgroundService
{
    // One mail server is asked by so many at once: a mail that takes long does not hold up the next.
    const int MailsAtOnce = 4;

    static readonly TimeSpan Pause = TimeSpan.FromSeconds(2), LongestPause = TimeSpan.FromMinutes(5);

    const int Most = 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            // Whoever sends a mail has ended when the limit of time is over; the database takes its own.
            await Task.WhenAll(
                RunAsync(new(IsMail: false, images.Value.Grace, AtOnce: 1), stoppingToken),
                RunAsync(new(IsMail: true, mail.Value.Timeout + TimeSpan.FromSeconds(5), MailsAtOnce), stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service ends; what is due is there at the next start.
        }
    }

    async Task RunAsync(Lane lane, CancellationToken ct)
    {
        while (true)
        {
            if (!await TryDrainAsync(lane, ct))
                await Task.Delay(Pause, ct);
        }
    }

    // Whether there may be more at once.
    async Task<bool> TryDrainAsync(Lane lane, CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            var now = clock.GetUtcNow().UtcDateTime;
            var own = lane.IsMail ? db.Outbox.Where(e => e.Store == OutboxStore.Mail) : db.Outbox.Where(e => e.Store != OutboxStore.Mail);
            var due = await own.AsNoTracking().Where(e => e.DueAt <= now).OrderBy(e => e.DueAt).Take(Most).ToListAsync(ct);
            await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = lane.AtOnce, CancellationToken = ct }, async (entry, _) => await TryAsync(lane, entry));
            return due.Count == Most;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away, or its disk is full: whoever has a request to answer says so.
            log.LogDebug(e, "The outbox cannot be read now.");
            return false;
        }
    }

    async Task TryAsync(Lane lane, OutboxEntry entry)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        var next = clock.GetUtcNow().UtcDateTime + Later(lane, entry.Attempts);
        var taken = await db.Outbox.Where(e => e.Id == entry.Id && e.DueAt == entry.DueAt)
            .ExecuteUpdateAsync(e => e.SetProperty(x => x.DueAt, next).SetProperty(x => x.Attempts, x => x.Attempts + 1), CancellationToken.None);
        if (taken == 0)
            return;
        // A mail's key is an address, which has no place in the log.
        var what = lane.IsMail ? $"{entry.Mail} {entry.Id}" : entry.Key;
        try
        {
            await scope.ServiceProvider.GetRequiredKeyedService<IOutboxHandler>(entry.Store).SettleAsync(entry);
            log.LogInformation("Done in {Store}: {Key}.", entry.Store, what);
        }
        catch (Exception e)
        {
            log.LogWarning(e, "Still to be done in {Store} after {Attempts} attempts: {Key}.", entry.Store, entry.Attempts + 1, what);
        }
    }

    // Not before whoever works on it must have ended, then twice as long each time; not all at the same moment when what they waited for is there again.
    static TimeSpan Later(Lane lane, int attempts)
    {
        var seconds = Math.Min(lane.Grace.TotalSeconds * Math.Pow(2, Math.Min(attempts, 10)), Math.Max(LongestPause.TotalSeconds, lane.Grace.TotalSeconds));
        return TimeSpan.FromSeconds(seconds * (1 + Random.Shared.NextDouble()));
    }

    // Mails or the rest.
    sealed record Lane(bool IsMail, TimeSpan Grace, int AtOnce);
}
