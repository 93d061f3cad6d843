using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Verifies passwords for whoever asks, but not as often as they like: for logins, and wherever else a wrong password is told from a right one. Only failures count,
/// and an address that is nobody's counts like any other (docs/adr/0009-limits.md).
/// </summary>
sealed class LoginGuard(
    PasswordHasher passwords, LimitCounters counters, LimitMemory memory, UserTurns turns, SecurityEventLog events, IHttpContextAccessor http, IOptions<LimitsOptions> options,
    IOptions<AccountOptions> accounts)
{
    static readonly TimeSpan Quarter = TimeSpan.FromMinutes(15), Hour = TimeSpan.FromHours(1);

    readonly LimitsOptions most = options.Value;

    /// <summary>What whoever may not log in is told, whatever it is that is wrong: where addresses must be verified, nothing tells one that is not from one that is nobody's.</summary>
    public string Refusal => accounts.Value.RequireVerifiedEmail ? "Invalid email or password, or the address is not confirmed yet" : "Invalid email or password";

    /// <summary>Forgets the failures of an account from the client's address.</summary>
    public async Task ForgiveAsync(string normalizedEmail, CancellationToken ct)
    {
        var keys = Keys.Of(normalizedEmail, ClientNetwork.ForLimits(http.HttpContext!));
        memory.Forget(keys.Pair);
        await counters.ClearAsync(keys.Pair, keys.Seen, ct);
    }

    /// <summary>Whether it is this user's password. Throws <see cref="TooManyException"/> and <see cref="BusyException"/>, which are answered 429 and 503.</summary>
    public Task<bool> VerifyAsync(User user, string password, CancellationToken ct) => VerifyAsync(user.NormalizedEmail, user, password, mayBeUnverified: true, ct);

    /// <summary>The same for who may not exist, or may have to verify the address first: the work and the answers are those for a user whose password is wrong.</summary>
    /// <param name="normalizedEmail">The address that was named.</param>
    /// <param name="user">Whose it is; null for nobody's.</param>
    /// <param name="password">What is tried.</param>
    /// <param name="ct">Cancels it.</param>
    public Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, CancellationToken ct) => VerifyAsync(normalizedEmail, user, password, mayBeUnverified: false, ct);

    async Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, bool mayBeUnverified, CancellationToken ct)
    {
        var network = ClientNetwork.ForLimits(http.HttpContext!);
        var keys = Keys.Of(normalizedEmail, network);
        using var turn = turns.TryTake($"{normalizedEmail}\n{network}", AtOnce.Logins) ?? throw new TooManyException(LimitsSetup.BetweenTurns);
        if (most.Enabled)
            await RefuseAsync(keys, ct);
        if (await passwords.VerifyAsync(password, user?.PasswordHash, ct) && user is not null && (mayBeUnverified || !accounts.Value.MustVerify(user)))
        {
            // Guesses that were made at the same time have been counted since: one that is right beyond the limit must not be told.
            if (most.Enabled && await RefuseAsync(keys, ct))
                await counters.ClearAsync(keys.Pair, keys.Seen, ct);
            return true;
        }
        if (most.Enabled)
            await CountAsync(keys);
        if (user is not null)
            events.AddLater(user.Id, SecurityEventKind.LoginFailed);
        return false;
    }

    // Whether the pair has failed before. It only reads: a flood of what is refused writes nothing.
    async Task<bool> RefuseAsync(Keys keys, CancellationToken ct)
    {
        var now = counters.Now;
        if ((memory.RefusedUntil(keys.Pair, now) ?? memory.RefusedUntil(keys.Address, now)) is { } until)
            throw new TooManyException(until - now);
        var counts = await counters.ReadAsync(keys.Pair, keys.Seen, keys.Account, keys.Address, ct);
        RateLimit? Of(LimitKey key) => counts.Find(c => c.KeyHash.AsSpan().SequenceEqual(key.Hash));
        foreach (var (key, limit) in new[] { (keys.Pair, most.LoginFailures), (keys.Address, most.LoginFailuresOfAddress) })
        {
            if (Of(key) is { } failures && failures.Count >= limit)
            {
                memory.Refuse(key, failures.EndsAt, now);
                throw new TooManyException(failures.EndsAt - now);
            }
        }
        // Many addresses guess at one account: each has had its try.
        if (Of(keys.Account) is { } all && all.Count >= most.LoginFailuresOfAccount && Of(keys.Seen) is { } seen)
            throw new TooManyException((all.EndsAt < seen.EndsAt ? all.EndsAt : seen.EndsAt) - now);
        return Of(keys.Pair) is not null || Of(keys.Seen) is not null;
    }

    // Not to be cancelled: who hangs up after a wrong guess has made it.
    async Task CountAsync(Keys keys)
    {
        var counts = await counters.AddAsync([(keys.Pair, Quarter), (keys.Seen, Hour), (keys.Account, Hour), (keys.Address, Quarter)], CancellationToken.None);
        var failures = counts.Single(c => c.KeyHash.AsSpan().SequenceEqual(keys.Pair.Hash));
        if (failures.Count > most.LoginFailures)
            throw new TooManyException(failures.EndsAt - counters.Now);
    }

    /// <summary>What is counted of one attempt: the account from this address, for a quarter of an hour and for an hour; the account from everywhere; the address for all accounts.</summary>
    readonly record struct Keys(LimitKey Pair, LimitKey Seen, LimitKey Account, LimitKey Address)
    {
        public static Keys Of(string account, string address) => new(
            LimitKey.Of("login", account, address), LimitKey.Of("login seen", account, address), LimitKey.Of("login account", account), LimitKey.Of("login address", address));
    }
}
