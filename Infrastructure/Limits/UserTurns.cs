using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Limits;

/// <summary>What one may do only a few times at once; <see cref="LimitsOptions"/> has the number of each.</summary>
enum AtOnce
{
    Uploads,
    Passwords,

    /// <summary>By the account that is named and the client's address, since nobody is logged in.</summary>
    Logins,
}

/// <summary>Says of a route that a user may have only a few such requests under way.</summary>
sealed record LimitedAtOnce(AtOnce Kind);

/// <summary>Counts what each has under way on this instance: what it protects, memory and processors, is this instance's too.</summary>
sealed class UserTurns(IOptions<LimitsOptions> options) : IDisposable
{
    readonly PartitionedRateLimiter<(string Whom, AtOnce Kind)> turns = PartitionedRateLimiter.Create<(string Whom, AtOnce Kind), (string, AtOnce)>(whose =>
        options.Value is { Enabled: true } limits
            ? RateLimitPartition.GetConcurrencyLimiter(whose, _ => new() { PermitLimit = MostOf(whose.Kind, limits) })
            // One for all: the framework never forgets such a partition.
            : RateLimitPartition.GetNoLimiter(("", whose.Kind)));

    /// <summary>One more until it is disposed of; null when whoever it is has all of them.</summary>
    public IDisposable? TryTake(string whom, AtOnce kind) => turns.AttemptAcquire((whom, kind)) is { IsAcquired: true } turn ? turn : null;

    public void Dispose() => turns.Dispose();

    static int MostOf(AtOnce kind, LimitsOptions limits) => kind switch
    {
        AtOnce.Uploads => limits.UploadsAtOnce,
        AtOnce.Passwords => limits.PasswordsAtOnce,
        AtOnce.Logins => limits.LoginsAtOnce,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}
