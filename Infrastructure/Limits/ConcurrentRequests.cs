using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Limits;

/// <summary>The limits of concurrent requests; <see cref="LimitsOptions"/> has their numbers.</summary>
enum ConcurrencyLimit
{
    Uploads,
    Passwords,

    /// <summary>By the named account and the client's address, since nobody is logged in.</summary>
    Logins,
}

/// <summary>Route metadata: a user may have only a few such requests in progress.</summary>
sealed record ConcurrencyLimited(ConcurrencyLimit Kind);

/// <summary>Limits a client's concurrent requests to this instance, whose memory and processors they use.</summary>
sealed class ConcurrentRequests(IOptions<LimitsOptions> options, ServiceMetrics metrics) : IDisposable
{
    /// <summary>An upload takes seconds, so a client that waits for a slot need not poll more often.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    readonly PartitionedRateLimiter<(string Client, ConcurrencyLimit Kind)> slots =
        PartitionedRateLimiter.Create<(string Client, ConcurrencyLimit Kind), (string, ConcurrencyLimit)>(key =>
            options.Value is { Enabled: true } limits
                ? RateLimitPartition.GetConcurrencyLimiter(key, _ => new() { PermitLimit = MostOf(key.Kind, limits) })
                // One partition for everybody, because the framework never drops such partitions.
                : RateLimitPartition.GetNoLimiter(("", key.Kind)));

    /// <summary>A slot until it is disposed of; null when all of the client's slots are in use.</summary>
    public IDisposable? TryEnter(string client, ConcurrencyLimit kind)
    {
        if (slots.AttemptAcquire((client, kind)) is { IsAcquired: true } slot)
            return slot;
        metrics.CountExceeded($"{kind}AtOnce");
        return null;
    }

    public void Dispose() => slots.Dispose();

    static int MostOf(ConcurrencyLimit kind, LimitsOptions limits) => kind switch
    {
        ConcurrencyLimit.Uploads => limits.UploadsAtOnce,
        ConcurrencyLimit.Passwords => limits.PasswordsAtOnce,
        ConcurrencyLimit.Logins => limits.LoginsAtOnce,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
