using Profiles.Data;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>Keeps the <see cref="KeyRing"/> of this instance up to date.</summary>
sealed class KeyRingService(
    DatabaseStart database, KeyRing ring, IServiceScopeFactory scopes, TimeProvider clock, ILogger<KeyRingService> log)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!ring.IsUsed)
            return;
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            while (true)
            {
                await Task.Delay(KeyRing.ReloadInterval, clock, stoppingToken);
                await TryRefreshAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops; the ring is as it was stored.
        }
    }

    async Task TryRefreshAsync(CancellationToken ct)
    {
        try
        {
            using var scope = scopes.CreateScope();
            var before = ring.Keys.Current?.Id;
            await ring.RefreshAsync(scope.ServiceProvider, ct);
            if (ring.Keys.Current?.Id is { } current && current != before)
                log.LogInformation("Access tokens are signed with the key {KeyId} from now on.", current);
        }
        catch (StartException e)
        {
            log.LogError("{Reason} The service goes on with the keys that it has.", e.Message);
        }
        catch (Exception e) when (DatabaseErrors.IsUnavailable(e))
        {
            log.LogDebug(e, "The key ring cannot be read; the service goes on with the keys that it has.");
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.LogError(e, "The key ring cannot be read or changed; retries in half a minute.");
        }
    }
}
