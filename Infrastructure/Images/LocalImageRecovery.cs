using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Images;

/// <summary>At the start, ends what a crash interrupted in the directory of local pictures.</summary>
sealed class LocalImageRecovery(LocalImageStorage storage, IServiceScopeFactory scopes, TimeProvider clock) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        await storage.RecoverAsync(
            id => db.UserProfiles.Where(p => p.UserId == id).Select(p => p.ImageKey).SingleOrDefaultAsync(cancellationToken),
            clock.GetUtcNow(), cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
