using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Auth;

namespace Profiles.Infrastructure.Housekeeping;

/// <summary>Removes what is over, every hour and on every instance: each kind in one statement, which finds nothing where another instance was there before.</summary>
sealed class HousekeepingService(
    DatabaseStart database, IServiceScopeFactory scopes, IOptions<SessionsOptions> sessions, IOptions<AccountOptions> accounts, TimeProvider clock,
    ILogger<HousekeepingService> log) : BackgroundService
{
    /// <summary>Removes what is over now.</summary>
    public async Task SweepAsync(CancellationToken ct)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        var now = clock.GetUtcNow().UtcDateTime;
        var (answered, happened, used) = (now - IdempotentAnswer.Kept, now - SecurityEvent.Kept, now - sessions.Value.RefreshLifetime);
        var removed = await db.RateLimits.Where(l => l.EndsAt <= now).ExecuteDeleteAsync(ct)
            + await db.IdempotentAnswers.Where(a => a.CreatedAt <= answered).ExecuteDeleteAsync(ct)
            + await db.SecurityEvents.Where(e => e.At <= happened).ExecuteDeleteAsync(ct)
            + await db.WaitingRegistrations.Where(r => r.CreatedAt <= now - accounts.Value.VerifyLifetime).ExecuteDeleteAsync(ct)
            + await db.OneTimeTokens.Where(t => t.ExpiresAt <= now).ExecuteDeleteAsync(ct)
            + await db.Sessions.Where(s => s.LastUsedAt <= used).ExecuteDeleteAsync(ct);
        // What a lost reply is told from is of no use after its time.
        var told = now - sessions.Value.ReuseWindow;
        await db.Sessions.Where(s => s.Successor != null && s.RotatedAt < told).ExecuteUpdateAsync(s => s.SetProperty(x => x.Successor, (byte[]?)null), ct);
        log.LogDebug("{Count} rows were over.", removed);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            // Soon after the start, for those who start it often; and not all instances at once.
            await Task.Delay(TimeSpan.FromMinutes(1 + (4 * Random.Shared.NextDouble())), stoppingToken);
            while (true)
            {
                await TrySweepAsync(stoppingToken);
                await Task.Delay(TimeSpan.FromMinutes(60 * (0.9 + (0.2 * Random.Shared.NextDouble()))), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start does it.
        }
    }

    async Task TrySweepAsync(CancellationToken ct)
    {
        try
        {
            await SweepAsync(ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogWarning(e, "What is over could not be removed; it is tried again in an hour.");
        }
    }
}

/// <summary>Registers the housekeeping.</summary>
static class HousekeepingSetup
{
    public static IServiceCollection AddHousekeeping(this IServiceCollection services) => services
        .AddSingleton<HousekeepingService>()
        .AddHostedService(provider => provider.GetRequiredService<HousekeepingService>());
}
