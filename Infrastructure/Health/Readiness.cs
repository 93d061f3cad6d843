using System.Globalization;
using Profiles.Data;
using Profiles.Infrastructure.Images;

namespace Profiles.Infrastructure.Health;

/// <summary>The result of a readiness check.</summary>
/// <param name="Database">Whether the database answers; without it nothing works.</param>
/// <param name="ImageStorage">Whether an image can be stored; without it everything else works.</param>
/// <param name="Pending">The number of outbox entries that are not dead; null when the database does not answer.</param>
sealed record ReadinessReport(bool Database, bool ImageStorage, int? Pending);

/// <summary>
/// Checks whether the service is ready. Requests share one check and its cached result, since anyone may ask and a check reads the database
/// and writes a file or calls Cloudinary or S3.
/// </summary>
sealed class Readiness(DatabaseStart start, DatabaseEngine engine, IImageStorage storage, TimeProvider clock, ILogger<Readiness> log)
{
    static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(1);

    // Cloudinary's smallest plan allows 500 such calls an hour, of all instances together; those to S3 cost money.
    static readonly TimeSpan RemoteCacheTime = TimeSpan.FromSeconds(30), RemoteRetryTime = TimeSpan.FromSeconds(10);

    // A probe may time out after a second and the database decides, so a slow storage delays it only briefly. One that hangs has failed.
    static readonly TimeSpan StorageWait = TimeSpan.FromMilliseconds(200), StorageTimeout = TimeSpan.FromSeconds(2);

    readonly Lock mutex = new();
    Task<ReadinessReport>? check;
    Task? storageCheck;
    bool? wasStorageOk;
    long checkedAt, storageCheckedAt;

    /// <summary>The result of the latest check, at most a second old.</summary>
    public Task<ReadinessReport> LatestAsync(CancellationToken ct)
    {
        lock (mutex)
        {
            // Without the caller's token: other callers wait for the same check.
            if (check is null || (check.IsCompleted && clock.GetElapsedTime(Volatile.Read(ref checkedAt)) >= CacheTime))
                check = Task.Run(CheckReadinessAsync, CancellationToken.None);
            return check.WaitAsync(ct);
        }
    }

    async Task<ReadinessReport> CheckReadinessAsync()
    {
        var image = IsStorageOkAsync();
        // Not before the database was reached for the first time.
        var pending = start.Ready.IsCompleted ? await TryAsync("database", CountPendingAsync) : null;
        var report = new ReadinessReport(pending is not null, await image, pending);
        Volatile.Write(ref checkedAt, clock.GetTimestamp());
        return report;
    }

    // A read without a transaction: probes and writers must not wait for each other.
    async Task<int> CountPendingAsync() =>
        Convert.ToInt32(
        await engine.ReadAsync($"SELECT count(*) FROM outbox WHERE state <> {(int)OutboxState.Dead}", CancellationToken.None),
        CultureInfo.InvariantCulture);

    // The previous result stays valid while the current check runs, up to its timeout.
    async Task<bool> IsStorageOkAsync()
    {
        var current = LatestStorageCheck();
        await Task.WhenAny(current, Task.Delay(wasStorageOk is null ? StorageTimeout : StorageWait, clock));
        var isOk = current.IsCompleted
            ? current.IsCompletedSuccessfully
            : wasStorageOk is true && clock.GetElapsedTime(storageCheckedAt) < StorageTimeout;
        if (!isOk && wasStorageOk is not false)
            log.LogWarning(current.Exception, "Degraded: the image storage fails; uploads fail until it works again.");
        wasStorageOk = isOk;
        return isOk;
    }

    Task LatestStorageCheck()
    {
        lock (mutex)
        {
            var cacheTime = storage.Store == OutboxStore.LocalImages ? CacheTime
                : storageCheck?.IsCompletedSuccessfully is true ? RemoteCacheTime
                : RemoteRetryTime;
            // A check that hangs is not started a second time.
            if (storageCheck is null || (storageCheck.IsCompleted && clock.GetElapsedTime(storageCheckedAt) >= cacheTime))
                (storageCheck, storageCheckedAt) = (Task.Run(() => storage.CheckAsync(CancellationToken.None)), clock.GetTimestamp());
            return storageCheck;
        }
    }

    async Task<int?> TryAsync(string what, Func<Task<int>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e)
        {
            log.LogWarning(e, "Not ready: the {What} fails; requests are answered 503 until it works again.", what);
            return null;
        }
    }
}
