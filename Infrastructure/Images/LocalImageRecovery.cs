using Profiles.Data;

namespace Profiles.Infrastructure.Images;

/// <summary>When the database is there, ends what a crash interrupted in the directory of local pictures.</summary>
sealed class LocalImageRecovery(LocalImageStorage storage, DatabaseStart database, IServiceScopeFactory scopes, TimeProvider clock, ILogger<LocalImageRecovery> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await database.Ready.WaitAsync(stoppingToken);
        try
        {
            storage.RemoveHalves(clock.GetUtcNow());
            foreach (var (userId, key) in storage.Waiting())
            {
                stoppingToken.ThrowIfCancellationRequested();
                using var scope = scopes.CreateScope();
                await scope.ServiceProvider.GetRequiredService<ProfileImages>().RecoverAsync(userId, key);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // What is left is served by its address, or seen by nobody; the next start tries again.
            log.LogError(e, "Not every picture that a crash left behind could be put in place or removed.");
        }
    }
}
