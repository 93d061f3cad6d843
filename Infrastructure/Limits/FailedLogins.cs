using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Limits;

/// <summary>
/// Counts wrong passwords, and refuses attempts beyond the limits of an account and of a client's network. Only failures count, and an
/// address without an account counts like any other (docs/adr/0009-limits.md).
/// </summary>
sealed class FailedLogins(LimitCounters counters, LimitCache cache, IOptions<LimitsOptions> options, ServiceMetrics metrics)
{
    static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15), Hour = TimeSpan.FromHours(1);

    readonly LimitsOptions limits = options.Value;

    /// <summary>Refuses an attempt beyond the limits. It only reads, so that a flood of refused attempts writes nothing.</summary>
    /// <returns>Whether this account has failed from this network before.</returns>
    /// <exception cref="RateLimitedException">There were too many failures.</exception>
    public async Task<bool> RefuseAsync(string account, string network, CancellationToken ct)
    {
        if (!limits.Enabled)
            return false;
        var (keys, now) = (Keys.Of(account, network), counters.Now);
        if (cache.RefusedUntil(keys.Pair, now) is { } until)
            throw Refusal(nameof(LimitsOptions.LoginFailures), until - now);
        if (cache.RefusedUntil(keys.Network, now) is { } end)
            throw Refusal(nameof(LimitsOptions.LoginFailuresOfAddress), end - now);
        var counts = await counters.ReadAsync(keys.Pair, keys.Seen, keys.Account, keys.Network, ct);
        RateLimit? Of(LimitKey key) => counts.Find(c => c.KeyHash.AsSpan().SequenceEqual(key.Hash));
        (LimitKey, int, string)[] most =
        [
            (keys.Pair, limits.LoginFailures, nameof(LimitsOptions.LoginFailures)),
            (keys.Network, limits.LoginFailuresOfAddress, nameof(LimitsOptions.LoginFailuresOfAddress)),
        ];
        foreach (var (key, limit, name) in most)
        {
            if (Of(key) is { } failures && failures.Count >= limit)
            {
                cache.Refuse(key, failures.EndsAt, now);
                throw Refusal(name, failures.EndsAt - now);
            }
        }
        // Many networks guess at one account, and this one has had its try.
        if (Of(keys.Account) is { } all && all.Count >= limits.LoginFailuresOfAccount && Of(keys.Seen) is { } seen)
            throw Refusal(nameof(LimitsOptions.LoginFailuresOfAccount), (all.EndsAt < seen.EndsAt ? all.EndsAt : seen.EndsAt) - now);
        return Of(keys.Pair) is not null || Of(keys.Seen) is not null;
    }

    /// <summary>Counts a failure. It cannot be cancelled: a client that disconnects after a wrong guess has made it.</summary>
    /// <exception cref="RateLimitedException">The limit is exceeded.</exception>
    public async Task CountAsync(string account, string network)
    {
        if (!limits.Enabled)
            return;
        var keys = Keys.Of(account, network);
        var counts = await counters.AddAsync(
            [(keys.Pair, Quarter), (keys.Seen, Hour), (keys.Account, Hour), (keys.Network, Quarter)], CancellationToken.None);
        var failures = counts.Single(c => c.KeyHash.AsSpan().SequenceEqual(keys.Pair.Hash));
        if (failures.Count > limits.LoginFailures)
            throw Refusal(nameof(LimitsOptions.LoginFailures), failures.EndsAt - counters.Now);
    }

    /// <summary>Clears the failures of an account from a network.</summary>
    public async Task ForgetAsync(string account, string network, CancellationToken ct)
    {
        var keys = Keys.Of(account, network);
        cache.Forget(keys.Pair);
        await counters.ClearAsync(keys.Pair, keys.Seen, ct);
    }

    RateLimitedException Refusal(string limit, TimeSpan wait)
    {
        metrics.CountExceeded(limit);
        return new(wait);
    }

    // Pair and Seen: the account from this network, for a quarter of an hour and for an hour. Account: from every network. Network: for
    // every account.
    readonly record struct Keys(LimitKey Pair, LimitKey Seen, LimitKey Account, LimitKey Network)
    {
        public static Keys Of(string account, string network) => new(
            LimitKey.Of("login", account, network), LimitKey.Of("login seen", account, network), LimitKey.Of("login account", account),
            LimitKey.Of("login address", network));
    }
}
