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
sealed class UserTurns(IOptions<LimitsOptions> options)
{
    readonly Lock gate = new();
    readonly Dictionary<(string Whom, AtOnce Kind), int> taken = [];

    /// <summary>One more until it is disposed of; null when whoever it is has all of them.</summary>
    public IDisposable? TryTake(string whom, AtOnce kind)
    {
        var most = (options.Value, kind) switch
        {
            ({ Enabled: false }, _) => int.MaxValue,
            (var o, AtOnce.Uploads) => o.UploadsAtOnce,
            (var o, AtOnce.Passwords) => o.PasswordsAtOnce,
            (var o, AtOnce.Logins) => o.LoginsAtOnce,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
        lock (gate)
        {
            var count = taken.GetValueOrDefault((whom, kind));
            if (count >= most)
                return null;
            taken[(whom, kind)] = count + 1;
            return new Turn(this, (whom, kind));
        }
    }

    void Give((string, AtOnce) key)
    {
        lock (gate)
        {
            if (--taken[key] == 0)
                taken.Remove(key);
        }
    }

    sealed class Turn(UserTurns turns, (string, AtOnce) key) : IDisposable
    {
        public void Dispose() => turns.Give(key);
    }
}
