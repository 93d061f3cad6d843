using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Tokens;

/// <summary>
/// The keys that sign access tokens: a current one, the next one, which is published before it signs, and previous ones until their last
/// token has expired (docs/adr/0012-token-keys.md). Empty while <c>Jwt__SigningKey</c> is set.
/// </summary>
sealed class KeyRing(KeyRingStore store, IOptions<JwtOptions> jwt, TimeProvider clock) : IStartupLoader, IDisposable
{
    /// <summary>How often each instance looks for changes of others.</summary>
    public static readonly TimeSpan ReloadInterval = TimeSpan.FromSeconds(30);

    /// <summary>How long others may keep the public keys without asking again.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    // A token may name any key; the keys are read no more often because of it.
    static readonly TimeSpan BetweenReloads = TimeSpan.FromSeconds(1);

    // Nor do requests pile up behind a database that hangs.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    readonly KeyEnvelope envelope = new(jwt.Value.KeyEncryptionKey);
    readonly SemaphoreSlim reloading = new(1);
    readonly Lock gate = new();
    Task? requested;
    KeySet keys = KeySet.None;
    string? json;
    long reloadedAt;

    /// <summary>Whether it signs; else <c>Jwt__SigningKey</c> does.</summary>
    public bool IsUsed => jwt.Value.SigningKey is null;

    public KeySet Keys => Volatile.Read(ref keys);

    /// <summary>
    /// Reads the ring; generates it when there is none, and encrypts what is in plain text although the setting is there. Throws
    /// <see cref="StartException"/>, <see cref="IOException"/> and the database's exceptions.
    /// </summary>
    public async Task LoadAsync(IServiceProvider scope, CancellationToken ct)
    {
        if (!IsUsed)
            return;
        var stored = await store.ReadAsync(ct);
        if (stored is null || store.Parse(stored).Any(k => envelope.ShouldSeal(k.Value)))
            await store.ChangeAsync(scope, Complete, ct);
        await ReloadAsync(ct);
    }

    /// <summary>
    /// Reads the ring again for a token whose key is unknown, unless that was just done, and returns whether there are other keys now.
    /// Requests that come meanwhile wait for the same read. Throws <see cref="BusyException"/> when it takes too long.
    /// </summary>
    public async Task<bool> TryReloadAsync(KeySet known, CancellationToken ct)
    {
        if (!IsUsed)
            return false;
        try
        {
            await RequestedReload().WaitAsync(Patience, clock, ct);
        }
        catch (TimeoutException)
        {
            throw new BusyException("The key ring is not read in time.");
        }
        catch (Exception e) when (e is StartException or IOException or UnauthorizedAccessException || DatabaseErrors.IsUnavailable(e))
        {
            // A token must not turn that into an error of the service; the next poll reports it.
        }
        return Keys != known;
    }

    /// <summary>Takes over changes of other instances, rotates when it is time, and removes keys whose last token has expired.</summary>
    public async Task RefreshAsync(IServiceProvider scope, CancellationToken ct)
    {
        await ReloadAsync(ct);
        if (!IsTimeToRotate(Keys.Rows) && !Keys.Rows.Any(IsOver))
            return;
        // Looks again under the lock: of several instances one rotates.
        await store.ChangeAsync(
            scope,
            rows =>
            {
                if (IsTimeToRotate(rows))
                    Rotate(rows);
                rows.RemoveAll(IsOver);
            },
            ct);
        await ReloadAsync(ct);
    }

    /// <summary>
    /// Has the next key sign from now on, and saves what the scope's context has to save. Throws <see cref="StartException"/> while other
    /// services may not know the key, unless forced.
    /// </summary>
    public async Task RotateAsync(IServiceProvider scope, bool isForced, CancellationToken ct)
    {
        RequireUse();
        await store.ChangeAsync(
            scope,
            rows =>
            {
                if (rows.Count == 0)
                    throw Missing();
                // A command without the key encryption key of the service would add a key in plain text.
                _ = KeySet.Of(rows, envelope, store);
                if (!isForced && UnknownFor(rows) is var wait && wait > TimeSpan.Zero)
                {
                    throw new StartException(FormattableString.Invariant(
                        $"The next key is too new: other services may not know it. Wait {wait.TotalSeconds:F0} seconds, or use --force."));
                }
                Rotate(rows);
            },
            ct);
        await ReloadAsync(ct);
    }

    /// <summary>The rows of the ring as they are stored.</summary>
    public async Task<IReadOnlyList<RingKey>> ListAsync(CancellationToken ct)
    {
        RequireUse();
        return await store.ReadAsync(ct) is { } stored ? store.Parse(stored) : throw Missing();
    }

    public void Dispose() => reloading.Dispose();

    DateTime Now => ProfilesDbContext.ToStored(clock.GetUtcNow().UtcDateTime);

    bool IsFresh => clock.GetElapsedTime(Volatile.Read(ref reloadedAt)) < BetweenReloads;

    // It is no request's own: the one that began it may be aborted.
    Task RequestedReload()
    {
        lock (gate)
        {
            if (requested is { IsCompleted: false })
                return requested;
            return requested = IsFresh ? Task.CompletedTask : ReloadAsync(CancellationToken.None);
        }
    }

    async Task ReloadAsync(CancellationToken ct)
    {
        await reloading.WaitAsync(ct);
        try
        {
            var stored = await store.ReadAsync(ct) ?? throw store.Damaged();
            if (stored == json)
                return;
            Volatile.Write(ref keys, KeySet.Of(store.Parse(stored), envelope, store));
            json = stored;
        }
        finally
        {
            // Only now: who finds it fresh finds the keys too.
            Volatile.Write(ref reloadedAt, clock.GetTimestamp());
            reloading.Release();
        }
    }

    void Complete(List<RingKey> rows)
    {
        if (rows.Count == 0)
        {
            var now = Now;
            rows.Add(Fresh(now, activatedAt: now));
            rows.Add(Fresh(now));
        }
        foreach (var row in rows.Where(r => envelope.ShouldSeal(r.Value)))
            row.Value = envelope.Seal(row.Value);
    }

    bool IsTimeToRotate(IReadOnlyList<RingKey> rows) =>
        rows.Single(r => r.IsCurrent).ActivatedAt + jwt.Value.RotationInterval <= Now && UnknownFor(rows) <= TimeSpan.Zero;

    // Until then another service may have public keys without the next one, or an instance may publish them.
    TimeSpan UnknownFor(IReadOnlyList<RingKey> rows) => rows.Single(r => r.IsNext).CreatedAt + MaxAge + ReloadInterval - Now;

    // Another instance signs with it until it reads the ring again.
    bool IsOver(RingKey row) => row.RetiredAt + ReloadInterval + ReloadInterval + jwt.Value.Lifetime + AccessTokens.Leeway <= Now;

    void Rotate(List<RingKey> rows)
    {
        var (current, next, now) = (rows.Single(r => r.IsCurrent), rows.Single(r => r.IsNext), Now);
        (current.RetiredAt, next.ActivatedAt) = (now, now);
        rows.Add(Fresh(now));
    }

    RingKey Fresh(DateTime now, DateTime? activatedAt = null)
    {
        var key = KeyPair.Generate();
        using var pair = new KeyPair(key);
        return new() { Id = pair.Id, Value = envelope.Seal(key), CreatedAt = now, ActivatedAt = activatedAt };
    }

    void RequireUse()
    {
        if (!IsUsed)
            throw new StartException("Jwt__SigningKey is set: access tokens are signed with it, and no key ring is used.");
    }

    static StartException Missing() => new("There is no key ring yet: start the service once.");
}
