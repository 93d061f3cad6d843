using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Health;

/// <summary>What was found out about whether the service can do its work.</summary>
/// <param name="Database">Whether the database answers: without it nothing can be done.</param>
/// <param name="ImageStorage">Whether an image could be stored: without it everything else can be done.</param>
/// <param name="Pending">What is still to be done in the other stores; null when nobody could look.</param>
sealed record ReadinessReport(bool Database, bool ImageStorage, int? Pending);

/// <summary>Looks whether the service can do its work, once for all who ask: anyone may, and each look asks a database and writes a file or calls another service.</summary>
sealed class Readiness(DatabaseStart start, IServiceScopeFactory scopes, IImageStorage storage, TimeProvider clock, ILogger<Readiness> log)
{
    // Cloudinary counts such calls: 500 in an hour on its smallest plan, of all instances.
    static readonly TimeSpan Lasts = TimeSpan.FromSeconds(1), FineAtCloudinary = TimeSpan.FromSeconds(30), IllAtCloudinary = TimeSpan.FromSeconds(10);

    // A storage that is slow must not keep whoever asks, whose own patience may be a second: the database is what decides. One that hangs is ill.
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200), Patience = TimeSpan.FromSeconds(2);

    readonly Lock gate = new();
    Task<ReadinessReport>? look;
    Task? storageLook;
    bool? wasFine;
    long lookedAt, storageLookedAt;

    /// <summary>What was found at most a second ago.</summary>
    public Task<ReadinessReport> LatestAsync(CancellationToken ct)
    {
        lock (gate)
        {
            // Without the caller's token: others wait for the same look.
            if (look is null || (look.IsCompleted && clock.GetElapsedTime(Volatile.Read(ref lookedAt)) >= Lasts))
                look = Task.Run(LookAsync, CancellationToken.None);
            return look.WaitAsync(ct);
        }
    }

    async Task<ReadinessReport> LookAsync()
    {
        var image = IsStorageFineAsync();
        // Not before it was there for the first time.
        var pending = start.Ready.IsCompleted ? await IsFineAsync("database", CountPendingAsync) : null;
        var report = new ReadinessReport(pending is not null, await image, pending);
        Volatile.Write(ref lookedAt, clock.GetTimestamp());
        return report;
    }

    // A read, and no transaction: whoever asks must not wait for those who write, nor they for whoever asks.
    async Task<int> CountPendingAsync()
    {
        using var scope = scopes.CreateScope();
        var db = scope.ServiceProvider.GetRequiredService<ProfilesDbContext>();
        return await ProfilesDbContext.ReadAsync(() => db.Outbox.CountAsync());
    }

    // What the look before found stands while the present one is on its way, but not for long.
    async Task<bool> IsStorageFineAsync()
    {
        var present = LatestStorageLook();
        await Task.WhenAny(present, Task.Delay(wasFine is null ? Patience : Glance, clock));
        var isFine = present.IsCompleted ? present.IsCompletedSuccessfully : wasFine is true && clock.GetElapsedTime(storageLookedAt) < Patience;
        if (!isFine && wasFine is not false)
            log.LogWarning(present.Exception, "Degraded: the image storage does not do its work.");
        wasFine = isFine;
        return isFine;
    }

    Task LatestStorageLook()
    {
        lock (gate)
        {
            var lasts = storage.Store != OutboxStore.Cloudinary ? Lasts : storageLook?.IsCompletedSuccessfully is true ? FineAtCloudinary : IllAtCloudinary;
            // One that hangs is not begun a second time.
            if (storageLook is null || (storageLook.IsCompleted && clock.GetElapsedTime(storageLookedAt) >= lasts))
                (storageLook, storageLookedAt) = (Task.Run(() => storage.CheckAsync(CancellationToken.None)), clock.GetTimestamp());
            return storageLook;
        }
    }

    async Task<int?> IsFineAsync(string what, Func<Task<int>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e)
        {
            log.LogWarning(e, "Not ready: the {What} does not do its work.", what);
            return null;
        }
    }
}
