using System.Collections.Concurrent;

namespace Profiles.Infrastructure.Limits;

/// <summary>
/// What this instance need not ask the database for: keys that are refused until some time, and what it has taken in advance for others. It holds a bounded number of keys;
/// what does not fit is asked for each time.
/// </summary>
sealed class LimitCache
{
    /// <summary>Of about a hundred bytes each.</summary>
    public const int Capacity = 10_000;

    // To look through all of them takes about a millisecond.
    static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<UInt128, Entry> entries = new();
    readonly Lock sweeping = new();
    int count;
    DateTime sweptAt;

    public int Count => entries.Count;

    /// <summary>Until when a key is refused; null when that is not known here.</summary>
    public DateTime? RefusedUntil(LimitKey key, DateTime now) =>
        entries.TryGetValue(key.Short, out var entry) && entry.IsRefusal && entry.Until > now ? entry.Until : null;

    /// <summary>Uses one of those that were taken in advance; false when none is left.</summary>
    public bool TryUse(LimitKey key, DateTime now) =>
        entries.TryGetValue(key.Short, out var entry) && !entry.IsRefusal && entry.Until > now && entry.TryUse();

    /// <summary>From now on the key is refused without a look into the database.</summary>
    public void Refuse(LimitKey key, DateTime until, DateTime now) => Keep(key, new(0, until, isRefusal: true), now);

    /// <summary>Keeps what was taken in advance.</summary>
    public void Put(LimitKey key, int left, DateTime until, DateTime now) => Keep(key, new(left, until, isRefusal: false), now);

    /// <summary>Asks the database again.</summary>
    public void Forget(LimitKey key)
    {
        if (entries.TryRemove(key.Short, out _))
            Interlocked.Decrement(ref count);
    }

    void Keep(LimitKey key, Entry entry, DateTime now)
    {
        while (true)
        {
            if (entries.TryGetValue(key.Short, out var there))
            {
                // Of requests that come at once each takes some: none of it is lost, and the last of them uses it up before anybody is refused.
                if (!there.IsRefusal && there.Until == entry.Until && there.TryMerge(entry))
                    return;
                if (entries.TryUpdate(key.Short, entry, there))
                    return;
                continue;
            }
            if (Volatile.Read(ref count) >= Capacity)
                Sweep(now);
            var isFull = Interlocked.Increment(ref count) > Capacity;
            if (!isFull && entries.TryAdd(key.Short, entry))
                return;
            Interlocked.Decrement(ref count);
            if (isFull)
                return;
        }
    }

    void Sweep(DateTime now)
    {
        // A clock that was set back must not put it off.
        if ((now - sweptAt).Duration() < BetweenSweeps || !sweeping.TryEnter())
            return;
        try
        {
            sweptAt = now;
            foreach (var (key, entry) in entries)
            {
                if ((entry.Until <= now || (!entry.IsRefusal && entry.IsUsedUp)) && entries.TryRemove(key, out _))
                    Interlocked.Decrement(ref count);
            }
        }
        finally
        {
            sweeping.Exit();
        }
    }

    sealed class Entry(int left, DateTime until, bool isRefusal)
    {
        int left = left;

        public DateTime Until => until;

        public bool IsRefusal => isRefusal;

        public bool IsUsedUp => Volatile.Read(ref left) == 0;

        public bool TryUse()
        {
            while (Volatile.Read(ref left) is > 0 and var there)
            {
                if (Interlocked.CompareExchange(ref left, there - 1, there) == there)
                    return true;
            }
            return false;
        }

        public bool TryMerge(Entry other)
        {
            if (other.IsRefusal)
                return !IsUsedUp;
            Interlocked.Add(ref left, other.left);
            return true;
        }
    }
}
