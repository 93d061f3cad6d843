using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Auth;

/// <summary>Writes the security events that no request waits for, see <see cref="SecurityEventLog.AddLater"/>.</summary>
sealed class SecurityEventWriter(DatabaseStart database, IServiceScopeFactory scopes, ILogger<SecurityEventWriter> log) : BackgroundService
{
    const int AtOnce = 100;

    // While the database is away or slow: what comes then is not kept. The log has it.
    readonly Channel<SecurityEvent> queue = Channel.CreateBounded<SecurityEvent>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });

    public bool TryWrite(SecurityEvent happened) => queue.Writer.TryWrite(happened);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
                await SaveAsync();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested && database.Ready.IsCompleted)
        {
            await SaveAsync();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service ends without having had its database.
        }
    }

    async Task SaveAsync()
    {
        var events = new List<SecurityEvent>();
        while (events.Count < AtOnce && queue.Reader.TryRead(out var next))
            events.Add(next);
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            // An account may have been deleted meanwhile.
            var users = events.Select(e => e.UserId).Distinct().ToArray();
            var left = await db.Users.Where(u => users.Contains(u.Id)).Select(u => u.Id).ToListAsync();
            db.SecurityEvents.AddRange(events.Where(e => left.Contains(e.UserId)));
            await db.SaveChangesAsync();
        }
        catch (Exception e)
        {
            log.LogWarning(e, "{Count} security events could not be written.", events.Count);
        }
    }
}
