using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Limits;

/// <summary>The counts that all instances share, in windows of a fixed length that begin with the first count (docs/adr/0009-limits.md).</summary>
sealed class LimitCounters(ProfilesDbContext db, LimitCache memory, TimeProvider clock)
{
    // So that what is allowed often costs a write in fifty requests, and not each.
    const int Portions = 50, LargestPortion = 100;

    public DateTime Now => ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);

    /// <summary>Counts one; null, or how long to wait because there were more than <paramref name="most"/>.</summary>
    public async Task<TimeSpan?> TakeAsync(LimitKey key, int most, TimeSpan window, CancellationToken ct)
    {
        var now = Now;
        if (memory.TryUse(key, now))
            return null;
        if (memory.RefusedUntil(key, now) is { } until)
            return until - now;
        var portion = Math.Clamp(most / Portions, 1, LargestPortion);
        var counted = (await AddAsync([(key, window)], portion, now, ct)).Single();
        var mine = portion - Math.Max(0, counted.Count - most);
        if (mine > 1)
            memory.Put(key, mine - 1, counted.EndsAt, now);
        if (mine > 0 || memory.TryUse(key, now))
            return null;
        memory.Refuse(key, counted.EndsAt, now);
        return counted.EndsAt - now;
    }

    /// <summary>Adds one to each count, all or none; gives them as they are then.</summary>
    public Task<List<RateLimit>> AddAsync(IReadOnlyList<(LimitKey Key, TimeSpan Window)> counts, CancellationToken ct) => AddAsync(counts, 1, Now, ct);

    /// <summary>The counts of these keys whose time is not over.</summary>
    public Task<List<RateLimit>> ReadAsync(LimitKey one, LimitKey two, LimitKey three, LimitKey four, CancellationToken ct)
    {
        var (a, b, c, d, now) = (one.Hash, two.Hash, three.Hash, four.Hash, Now);
        return ProfilesDbContext.ReadAsync(() => db.RateLimits.AsNoTracking()
            .Where(l => (l.KeyHash == a || l.KeyHash == b || l.KeyHash == c || l.KeyHash == d) && l.EndsAt > now).ToListAsync(ct));
    }

    /// <summary>Begins anew.</summary>
    public Task ClearAsync(LimitKey one, LimitKey two, CancellationToken ct)
    {
        var (a, b) = (one.Hash, two.Hash);
        return db.RateLimits.Where(l => l.KeyHash == a || l.KeyHash == b).ExecuteDeleteAsync(ct);
    }

    // One statement, so that of two instances neither overlooks the other; in the keys' order, so that neither waits for the other in a circle.
    async Task<List<RateLimit>> AddAsync(IReadOnlyList<(LimitKey Key, TimeSpan Window)> counts, int portion, DateTime now, CancellationToken ct)
    {
        var arguments = new List<object> { now, portion };
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
        return await db.RateLimits.FromSqlRaw(sql, [.. arguments]).AsNoTracking().ToListAsync(ct);
    }
}
