using System.Threading.Channels;
using Profiles.Data;

namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>Writes the security events that no request waits for; see <see cref="SecurityEventLog.AddLater"/>.</summary>
sealed class SecurityEventWriter(DatabaseStart database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<SecurityEventWriter> log)
    : BackgroundService
{
    // Delayed: on SQLite an immediate write would slow the client's next request, which somebody could measure.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Full only while the database is away or slow; further events are then only in the log.
    readonly Channel<SecurityEvent> queue = Channel.CreateBounded<SecurityEvent>(
        new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });

    public bool TryWrite(SecurityEvent securityEvent) => queue.Writer.TryWrite(securityEvent);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.Delay(Pause * (0.5 + Random.Shared.NextDouble()), clock, stoppingToken);
                await SaveAsync();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            if (database.Ready.IsCompletedSuccessfully)
                await SaveAsync();
        }
    }

    async Task SaveAsync()
    {
        var events = new List<SecurityEvent>();
        while (queue.Reader.TryRead(out var next))
            events.Add(next);
        if (events.Count == 0)
            return;
        try
        {
            await SaveAsync(events);
        }
        catch (Exception e) when (DatabaseErrors.IsOrphan(e))
        {
            // An account was deleted meanwhile, and its events with it; those of other accounts are written one by one.
            foreach (var securityEvent in events)
                await TrySaveAsync(securityEvent);
        }
        catch (Exception e)
        {
            log.LogWarning(e, "{Count} security events could not be written and are dropped.", events.Count);
        }
    }

    async Task TrySaveAsync(SecurityEvent securityEvent)
    {
        try
        {
            await SaveAsync([securityEvent]);
        }
        catch (Exception e) when (DatabaseErrors.IsOrphan(e))
        {
            log.LogDebug("A security event of a deleted account is dropped.");
        }
        catch (Exception e)
        {
            log.LogWarning(e, "A security event could not be written and is dropped.");
        }
    }

    async Task SaveAsync(IEnumerable<SecurityEvent> events)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        db.SecurityEvents.AddRange(events);
        await db.SaveChangesAsync();
    }
}
