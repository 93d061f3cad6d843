using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Limits;

/// <summary>What one may do only a few times at once; <see cref="LimitsOptions"/> has the number of each.</summary>
enum ConcurrencyLimit
{
    Uploads,
    Passwords,

    /// <summary>By the account that is named and the client's address, since nobody is logged in.</summary>
    Logins,
}

/// <summary>Says of a route that a user may have only a few such requests under way.</summary>
sealed record ConcurrencyLimited(ConcurrencyLimit Kind);

/// <summary>Bounds the requests that one client has under way on this instance: what it protects, memory and processors, is this instance's too.</summary>
sealed class ConcurrentRequests(IOptions<LimitsOptions> options) : IDisposable
{
    /// <summary>An upload takes seconds: a client that waits for a place does not ask all the time.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    readonly PartitionedRateLimiter<(string Whom, ConcurrencyLimit Kind)> places = PartitionedRateLimiter.Create<(string Whom, ConcurrencyLimit Kind), (string, ConcurrencyLimit)>(whose =>
        options.Value is { Enabled: true } limits
            ? RateLimitPartition.GetConcurrencyLimiter(whose, _ => new() { PermitLimit = MostOf(whose.Kind, limits) })
            // One for all: the framework never forgets such a partition.
            : RateLimitPartition.GetNoLimiter(("", whose.Kind)));

    /// <summary>A place until it is disposed of; null when the client has all of its places.</summary>
    public IDisposable? TryEnter(string whom, ConcurrencyLimit kind) => places.AttemptAcquire((whom, kind)) is { IsAcquired: true } place ? place : null;

    public void Dispose() => places.Dispose();

    static int MostOf(ConcurrencyLimit kind, LimitsOptions limits) => kind switch
    {
        ConcurrencyLimit.Uploads => limits.UploadsAtOnce,
        ConcurrencyLimit.Passwords => limits.PasswordsAtOnce,
        ConcurrencyLimit.Logins => limits.LoginsAtOnce,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
