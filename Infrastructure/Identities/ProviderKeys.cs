using System.Collections.Concurrent;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.Identities;

/// <summary>
/// The keys of the providers, read when they are first needed, again after hours, and for a key that is not known yet. The library's
/// <c>ConfigurationManager</c> reads them for a new key only after it has refused the first token of that, and lets the requests wait one
/// after another for a provider that is down.
/// </summary>
sealed class ProviderKeys(ProviderClient client, TimeProvider clock, ILogger<ProviderKeys> log)
{
    static readonly TimeSpan Fresh = TimeSpan.FromHours(6);

    /// <summary>How long keys count while the provider does not answer.</summary>
    public static readonly TimeSpan Usable = TimeSpan.FromHours(24);

    /// <summary>At least so long passes between two questions, whatever the tokens say that strangers send.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    readonly ConcurrentDictionary<string, Cache> caches = new();

    /// <summary>The keys that may have signed a token.</summary>
    /// <param name="provider">The provider.</param>
    /// <param name="id">The key that the token names; null when it names none.</param>
    /// <param name="ct">Cancels the wait, but not the question, which others wait for too.</param>
    /// <exception cref="BusyException">The provider does not answer, or not as it should.</exception>
    public async Task<IReadOnlyList<SecurityKey>> FindAsync(IdentityProvider provider, string? id, CancellationToken ct)
    {
        var cache = caches.GetOrAdd(provider.Name, _ => new());
        if (Question(cache, provider, id) is { } reading)
            await reading.WaitAsync(ct);
        return cache.Read is { } read && IsUsable(read) ? read.Of(id) : throw new BusyException("The provider's keys cannot be read.");
    }

    bool IsUsable(ReadKeys read) => clock.GetUtcNow() - read.At < Usable;

    // The question to wait for, which is under way or has to be asked now.
    Task? Question(Cache cache, IdentityProvider provider, string? id)
    {
        lock (cache)
        {
            var (now, read) = (clock.GetUtcNow(), cache.Read);
            var isEnough = read is not null && IsUsable(read) && read.Of(id).Count > 0;
            // A clock that is set back must not postpone it.
            if ((!isEnough || now - read!.At >= Fresh) && cache.Reading is null && (now - cache.AskedAt).Duration() >= Pause)
                (cache.AskedAt, cache.Reading) = (now, ReadAsync(cache, provider));
            return isEnough ? null : cache.Reading;
        }
    }

    // Never fails: what was read last stays.
    async Task ReadAsync(Cache cache, IdentityProvider provider)
    {
        // Not under the caller's lock.
        await Task.Yield();
        ReadKeys? read = null;
        try
        {
            using var deadline = new CancellationTokenSource(2 * ProviderClient.Timeout);
            var metadata = await OpenIdConnectConfigurationRetriever.GetAsync(provider.MetadataAddress, client, deadline.Token);
            read = metadata.Issuer == provider.Issuers[0]
                ? new([.. metadata.SigningKeys], clock.GetUtcNow())
                : throw new InvalidDataException("Its metadata is that of another issuer.");
        }
        catch (Exception e)
        {
            log.LogWarning(e, "The keys of {Provider} cannot be read; a login retries in half a minute.", provider.Name);
        }
        lock (cache)
            (cache.Read, cache.Reading) = (read ?? cache.Read, null);
    }

    sealed record ReadKeys(IReadOnlyList<SecurityKey> Keys, DateTimeOffset At)
    {
        // A token that names no key is of the only one.
        public IReadOnlyList<SecurityKey> Of(string? id) =>
            id is not null ? [.. Keys.Where(k => k.KeyId == id)] : Keys.Count == 1 ? Keys : [];
    }

    sealed class Cache
    {
        public ReadKeys? Read { get; set; }

        public DateTimeOffset AskedAt { get; set; }

        public Task? Reading { get; set; }
    }
}
