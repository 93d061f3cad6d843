using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Verifies a password wherever a wrong one is told from a right one, as often as <see cref="FailedLogins"/> allows. An address without an account
/// costs the same work and gets the same answers as any other.
/// </summary>
sealed class PasswordCheck(
    PasswordHasher passwords, FailedLogins failures, ConcurrentRequests requests, SecurityEventLog events, IHttpContextAccessor http,
    IOptions<AccountOptions> options)
{
    /// <summary>What a client that may not log in is told, whatever the reason: nothing tells an unconfirmed address from an unknown one.</summary>
    public string Refusal => options.Value.RequireVerifiedEmail
        ? "Invalid email or password, or the address is not confirmed yet" : "Invalid email or password";

    /// <summary>Whether it is this user's password. Throws <see cref="TooManyException"/> and <see cref="BusyException"/>, which are answered 429 and 503.</summary>
    public Task<bool> VerifyAsync(User user, string password, CancellationToken ct) =>
        VerifyAsync(user.NormalizedEmail, user, password, mayBeUnverified: true, ct);

    /// <summary>Verifies the password for an address. False also where the address has no account, or still has to be confirmed.</summary>
    /// <param name="normalizedEmail">The address that was sent.</param>
    /// <param name="user">Its user; null when it has none.</param>
    /// <param name="password">The password that was sent.</param>
    /// <param name="ct">Cancels it.</param>
    public Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, CancellationToken ct) =>
        VerifyAsync(normalizedEmail, user, password, mayBeUnverified: false, ct);

    async Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, bool mayBeUnverified, CancellationToken ct)
    {
        var network = ClientNetwork.ForLimits(http.HttpContext!);
        using var place = requests.TryEnter($"{normalizedEmail}\n{network}", AtOnce.Logins) ?? throw new TooManyException(ConcurrentRequests.RetryAfter);
        await failures.RefuseAsync(normalizedEmail, network, ct);
        if (await passwords.VerifyAsync(password, user?.PasswordHash, ct) && user is not null && (mayBeUnverified || !options.Value.MustVerify(user)))
        {
            // Guesses that were made at the same time have been counted since: a right one beyond the limit must not be told.
            if (await failures.RefuseAsync(normalizedEmail, network, ct))
                await failures.ForgetAsync(normalizedEmail, network, ct);
            return true;
        }
        await failures.CountAsync(normalizedEmail, network);
        if (user is not null)
            events.AddLater(user.Id, SecurityEventKind.LoginFailed);
        return false;
    }
}
