using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Accounts;
using Profiles.Infrastructure.Sessions;

namespace Profiles.Infrastructure.Cleanup;

/// <summary>
/// Removes expired rows every hour and on every instance, a thousand of a kind at a time: others write in between. A kind that fails does not keep the others, and one that has more than its time is
/// enough for goes on soon.
/// </summary>
sealed class HousekeepingService(
    DatabaseStart database, IServiceScopeFactory scopes, IOptions<SessionsOptions> sessions, IOptions<AccountOptions> accounts, TimeProvider clock,
    ILogger<HousekeepingService> log) : BackgroundService
{
    /// <summary>As many rows are removed by one statement.</summary>
    public const int Batch = 1000;

    // For whoever waits to write: on SQLite there is one writer at a time.
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    // Of each kind, in one sweep: some hundred thousand rows.
    static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    /// <summary>Removes what has expired by now; whether some of it is left, or could not be removed.</summary>
    /// <param name="budget">The time that each kind has; one batch is removed in any case.</param>
    /// <param name="ct">Cancels it.</param>
    public async Task<bool> SweepAsync(TimeSpan budget, CancellationToken ct)
    {
        var isLeft = false;
        foreach (var (kind, removeAsync) in Kinds(clock.GetUtcNow().UtcDateTime))
            isLeft |= await TryRemoveAsync(kind, removeAsync, budget, ct);
        return isLeft | !await TryEraseAsync(ct);
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
                var minutes = await SweepAsync(Budget, stoppingToken) ? 1 : 60;
                await Task.Delay(TimeSpan.FromMinutes(minutes * (0.9 + (0.2 * Random.Shared.NextDouble()))), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start does it.
        }
    }

    // Each removes a batch of a kind, the oldest first, by the index of its time, and says how many there were. Whether a row has expired is asked of the row itself too:
    // on PostgreSQL it may have been renewed while its lock was waited for.
    IEnumerable<(string Kind, Func<ProfilesDbContext, CancellationToken, Task<int>> RemoveAsync)> Kinds(DateTime now)
    {
        var (answered, happened, used, told) = (now - IdempotentAnswer.Kept, now - SecurityEvent.Kept, now - sessions.Value.RefreshLifetime, now - sessions.Value.ReuseWindow);
        var waiting = now - accounts.Value.VerifyLifetime;
        yield return ("counts", (db, ct) => db.RateLimits.Where(l => l.EndsAt <= now
            && db.RateLimits.Where(x => x.EndsAt <= now).OrderBy(x => x.EndsAt).Take(Batch).Select(x => x.KeyHash).Contains(l.KeyHash)).ExecuteDeleteAsync(ct));
        yield return ("answers", (db, ct) => db.IdempotentAnswers.Where(a => a.CreatedAt <= answered
            && db.IdempotentAnswers.Where(x => x.CreatedAt <= answered).OrderBy(x => x.CreatedAt).Take(Batch).Select(x => x.KeyHash).Contains(a.KeyHash)).ExecuteDeleteAsync(ct));
        yield return ("registrations", (db, ct) => db.WaitingRegistrations.Where(r => r.CreatedAt <= waiting
            && db.WaitingRegistrations.Where(x => x.CreatedAt <= waiting).OrderBy(x => x.CreatedAt).Take(Batch).Select(x => x.NormalizedEmail).Contains(r.NormalizedEmail))
            .ExecuteDeleteAsync(ct));
        // What is never renewed.
        yield return ("events", (db, ct) => db.SecurityEvents.Where(e => e.At <= happened).OrderBy(e => e.At).Take(Batch).ExecuteDeleteAsync(ct));
        yield return ("tokens", (db, ct) => db.OneTimeTokens.Where(t => t.ExpiresAt <= now).OrderBy(t => t.ExpiresAt).Take(Batch).ExecuteDeleteAsync(ct));
        yield return ("sessions", (db, ct) => db.Sessions.Where(s => s.LastUsedAt <= used).OrderBy(s => s.LastUsedAt).Take(Batch).ExecuteDeleteAsync(ct));
        // What a lost reply is told from is of no use after its time. No index leads there: one pass over the sessions by their ids, which only reads.
        var last = 0L;
        yield return ("successors", ForgetSuccessorsAsync);

        async Task<int> ForgetSuccessorsAsync(ProfilesDbContext db, CancellationToken ct)
        {
            var found = await db.Sessions.Where(s => s.Id > last && s.Successor != null && s.RotatedAt < told)
                .OrderBy(s => s.Id).Take(Batch).Select(s => s.Id).ToListAsync(ct);
            last = found.LastOrDefault(last);
            await db.Sessions.Where(s => found.Contains(s.Id) && s.RotatedAt < told).ExecuteUpdateAsync(s => s.SetProperty(x => x.Successor, (byte[]?)null), ct);
            return found.Count;
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
            log.LogWarning(e, "Copies of deleted rows could not be removed; it is tried again in a minute.");
            return false;
        }
    }

    async Task<bool> TryRemoveAsync(string kind, Func<ProfilesDbContext, CancellationToken, Task<int>> removeAsync, TimeSpan budget, CancellationToken ct)
    {
        var (start, removed) = (clock.GetTimestamp(), 0);
        try
        {
            using var scope = scopes.CreateScope();
            var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
            int batch;
            do
            {
                removed += batch = await removeAsync(db, ct);
                if (batch < Batch)
                    return false;
                await Task.Delay(Pause, ct);
            }
            while (clock.GetElapsedTime(start) < budget);
            log.LogInformation("{Count} expired {Kind} were removed, and some are left; it goes on in a minute.", removed, kind);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.LogWarning(e, "Expired {Kind} could not be removed after {Count}; it is tried again in a minute.", kind, removed);
            return true;
        }
        finally
        {
            log.LogDebug("{Count} expired {Kind} were removed.", removed, kind);
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
