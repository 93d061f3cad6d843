using System.Threading.Channels;
using Profiles.Data;

namespace Profiles.Infrastructure.SecurityEvents;

/// <summary>Writes the security events that no request waits for, see <see cref="SecurityEventLog.AddLater"/>.</summary>
sealed class SecurityEventWriter(DatabaseStart database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<SecurityEventWriter> log)
    : BackgroundService
{
    // Not at once: on a file, the write would hold up the next request of whoever measures.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // While the database is away or slow: what comes then is not kept. The log has it.
    readonly Channel<SecurityEvent> queue = Channel.CreateBounded<SecurityEvent>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });

    public bool TryWrite(SecurityEvent happened) => queue.Writer.TryWrite(happened);

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
        catch (Exception e) when (DatabaseFaults.IsOrphan(e))
        {
            // An account has been deleted meanwhile: its events went with it, and those of the others are written one by one.
            foreach (var happened in events)
                await TrySaveAsync(happened);
        }
        catch (Exception e)
        {
            log.LogWarning(e, "{Count} security events could not be written.", events.Count);
        }
    }

    async Task TrySaveAsync(SecurityEvent happened)
    {
        try
        {
            await SaveAsync([happened]);
        }
        catch (Exception e) when (DatabaseFaults.IsOrphan(e))
        {
            log.LogDebug("A security event of a deleted account is dropped.");
        }
        catch (Exception e)
        {
            log.LogWarning(e, "A security event could not be written.");
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
