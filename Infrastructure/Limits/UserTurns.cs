using Microsoft.Extensions.Options;

namespace Profiles.Infrastructure.Limits;

/// <summary>What a user may do only a few times at once; <see cref="LimitsOptions"/> has the number of each.</summary>
enum AtOnce
{
    Uploads,
    Passwords,
}

/// <summary>Says of a route that a user may have only a few such requests under way.</summary>
sealed record LimitedAtOnce(AtOnce Kind);

/// <summary>Counts what each user has under way on this instance: what it protects, memory and processors, is this instance's too.</summary>
sealed class UserTurns(IOptions<LimitsOptions> options)
{
    readonly Lock gate = new();
    readonly Dictionary<(long User, AtOnce Kind), int> taken = [];

    /// <summary>One more until it is disposed of; null when the user has all of them.</summary>
    public IDisposable? TryTake(long userId, AtOnce kind)
    {
        var most = (options.Value, kind) switch
        {
            ({ Enabled: false }, _) => int.MaxValue,
            (var o, AtOnce.Uploads) => o.UploadsAtOnce,
            (var o, AtOnce.Passwords) => o.PasswordsAtOnce,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
        lock (gate)
        {
            var count = taken.GetValueOrDefault((userId, kind));
            if (count >= most)
                return null;
            taken[(userId, kind)] = count + 1;
            return new Turn(this, (userId, kind));
        }
    }

    void Give((long, AtOnce) key)
    {
        lock (gate)
        {
            if (--taken[key] == 0)
                taken.Remove(key);
        }
    }

    sealed class Turn(UserTurns turns, (long, AtOnce) key) : IDisposable
    {
        public void Dispose() => turns.Give(key);
    }
}
