using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Limits;

/// <summary>
/// The counters that all instances share, in windows of a fixed length that start with the first count (docs/adr/0009-limits.md).
/// </summary>
sealed class LimitCounters(ProfilesDbContext db, LimitCache cache, TimeProvider clock)
{
    // Counts are reserved in batches, so that a high limit costs one write in fifty requests.
    const int BatchesPerLimit = 50, LargestBatch = 100;

    public DateTime Now => ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);

    /// <summary>Counts one; returns how long to wait when the count exceeds <paramref name="most"/>, else null.</summary>
    public async Task<TimeSpan?> TakeAsync(LimitKey key, int most, TimeSpan window, CancellationToken ct)
    {
        var now = Now;
        if (cache.TryUse(key, now))
            return null;
        if (cache.RefusedUntil(key, now) is { } until)
            return until - now;
        var batch = Math.Clamp(most / BatchesPerLimit, 1, LargestBatch);
        var counted = (await AddAsync([(key, window)], batch, now, ct)).Single();
        var allowed = batch - Math.Max(0, counted.Count - most);
        if (allowed > 1)
            cache.Put(key, allowed - 1, counted.EndsAt, now);
        if (allowed > 0 || cache.TryUse(key, now))
            return null;
        cache.Refuse(key, counted.EndsAt, now);
        return counted.EndsAt - now;
    }

    /// <summary>How long to wait for a key that is known to be refused; else null.</summary>
    public TimeSpan? Refusal(LimitKey key)
    {
        var now = Now;
        return cache.RefusedUntil(key, now) - now;
    }

    /// <summary>Adds one to each count, all or none; returns the new counts.</summary>
    public Task<List<RateLimit>> AddAsync(IReadOnlyList<(LimitKey Key, TimeSpan Window)> counts, CancellationToken ct) =>
        AddAsync(counts, 1, Now, ct);

    /// <summary>The counts of these keys whose window has not ended.</summary>
    public Task<List<RateLimit>> ReadAsync(LimitKey one, LimitKey two, LimitKey three, LimitKey four, CancellationToken ct)
    {
        var (a, b, c, d, now) = (one.Hash, two.Hash, three.Hash, four.Hash, Now);
        return ProfilesDbContext.ReadAsync(() => db.RateLimits.AsNoTracking()
            .Where(l => (l.KeyHash == a || l.KeyHash == b || l.KeyHash == c || l.KeyHash == d) && l.EndsAt > now).ToListAsync(ct));
    }

    /// <summary>Resets this count.</summary>
    public Task ClearAsync(LimitKey key, CancellationToken ct)
    {
        cache.Forget(key);
        var hash = key.Hash;
        return db.RateLimits.Where(l => l.KeyHash == hash).ExecuteDeleteAsync(ct);
    }

    /// <summary>Resets these counts.</summary>
    public Task ClearAsync(LimitKey one, LimitKey two, CancellationToken ct)
    {
        var (a, b) = (one.Hash, two.Hash);
        return db.RateLimits.Where(l => l.KeyHash == a || l.KeyHash == b).ExecuteDeleteAsync(ct);
    }

    // One statement, so that no instance misses another's count; ordered by key, so that two of them never deadlock.
    async Task<List<RateLimit>> AddAsync(
        IReadOnlyList<(LimitKey Key, TimeSpan Window)> counts, int batch, DateTime now, CancellationToken ct)
    {
        var arguments = new List<object> { now, batch };
        var rows = new List<string>();
        foreach (var (key, window) in counts.OrderBy(c => c.Key.Short))
        {
            rows.Add($"({{{arguments.Count}}}, {{1}}, {{{arguments.Count + 1}}})");
            arguments.AddRange([key.Hash, now + window]);
        }
        var sql = $$"""
            INSERT INTO rate_limits (key_hash, count, ends_at) VALUES {{string.Join(", ", rows)}}
            ON CONFLICT (key_hash) DO UPDATE SET
                count = CASE WHEN rate_limits.ends_at <= {0} THEN excluded.count ELSE rate_limits.count + excluded.count END,
                ends_at = CASE WHEN rate_limits.ends_at <= {0} THEN excluded.ends_at ELSE rate_limits.ends_at END
            RETURNING key_hash, count, ends_at
            """;
        return await db.WriteAsync(() => db.RateLimits.FromSqlRaw(sql, [.. arguments]).AsNoTracking().ToListAsync(ct), ct);
    }
}
