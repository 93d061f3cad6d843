using System.Collections.Concurrent;

namespace Profiles.Infrastructure.Limits;

/// <summary>
/// Saves the database queries: keys that are refused until some time, and counts reserved in advance for others. It holds a bounded number
/// of keys; the others are queried each time.
/// </summary>
sealed class LimitCache
{
    /// <summary>Entries, of about a hundred bytes each.</summary>
    public const int Capacity = 10_000;

    // A sweep takes about a millisecond.
    static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(10);

    readonly ConcurrentDictionary<UInt128, Entry> entries = new();
    readonly Lock sweeping = new();
    int count;
    DateTime sweptAt;

    public int Count => entries.Count;

    /// <summary>Until when a key is refused; null when the cache does not know.</summary>
    public DateTime? RefusedUntil(LimitKey key, DateTime now) =>
        entries.TryGetValue(key.Short, out var entry) && entry.IsRefusal && entry.Until > now ? entry.Until : null;

    /// <summary>Uses one of the reserved counts; false when none is left.</summary>
    public bool TryUse(LimitKey key, DateTime now) =>
        entries.TryGetValue(key.Short, out var entry) && !entry.IsRefusal && entry.Until > now && entry.TryUse();

    /// <summary>Refuses the key until then, without a query.</summary>
    public void Refuse(LimitKey key, DateTime until, DateTime now) => Keep(key, new(0, until, isRefusal: true), now);

    /// <summary>Adds reserved counts.</summary>
    public void Put(LimitKey key, int left, DateTime until, DateTime now) => Keep(key, new(left, until, isRefusal: false), now);

    /// <summary>Drops the entry, so that the database is queried again.</summary>
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
                // Concurrent requests each reserve some: none is lost, and all are used up before anybody is refused.
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
        // A clock that is set back must not postpone it.
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
            while (Volatile.Read(ref left) is > 0 and var current)
            {
                if (Interlocked.CompareExchange(ref left, current - 1, current) == current)
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
