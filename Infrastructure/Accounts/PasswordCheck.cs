using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Verifies passwords, as often as <see cref="FailedLogins"/> allows. An address without an account takes the same work and gets the same
/// answers as any other.
/// </summary>
sealed class PasswordCheck(
    PasswordHasher passwords, FailedLogins failures, ConcurrentRequests requests, SecurityEventLog events, IHttpContextAccessor http,
    IOptions<AccountOptions> options)
{
    /// <summary>The one answer to every failed login, which does not distinguish an unconfirmed address from an unknown one.</summary>
    public string Refusal => options.Value.RequireVerifiedEmail
        ? "Invalid email or password, or the address is not confirmed yet" : "Invalid email or password";

    /// <summary>Returns whether it is this user's password.</summary>
    /// <exception cref="RateLimitedException">Too many wrong passwords; answered 429.</exception>
    /// <exception cref="BusyException">Too many hashes at once; answered 503.</exception>
    public Task<bool> VerifyAsync(User user, string password, CancellationToken ct) =>
        VerifyAsync(user.NormalizedEmail ?? FormattableString.Invariant($"user {user.Id}"), user, password, mayBeUnverified: true, ct);

    /// <summary>Returns whether it is the password of an address; false also without an account or a needed confirmation.</summary>
    /// <param name="normalizedEmail">The address that was sent.</param>
    /// <param name="user">Its user; null when it has none.</param>
    /// <param name="password">The password that was sent.</param>
    /// <param name="ct">Cancels the check.</param>
    /// <inheritdoc cref="VerifyAsync(User, string, CancellationToken)" path="/exception" />
    public Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, CancellationToken ct) =>
        VerifyAsync(normalizedEmail, user, password, mayBeUnverified: false, ct);

    async Task<bool> VerifyAsync(string normalizedEmail, User? user, string password, bool mayBeUnverified, CancellationToken ct)
    {
        var network = ClientNetwork.ForLimits(http.HttpContext!);
        using var slot = requests.TryEnter($"{normalizedEmail}\n{network}", ConcurrencyLimit.Logins)
            ?? throw new RateLimitedException(ConcurrentRequests.RetryAfter);
        await failures.RefuseAsync(normalizedEmail, network, ct);
        if (await passwords.VerifyAsync(password, user?.PasswordHash, ct)
            && user is not null && (mayBeUnverified || !options.Value.MustVerify(user)))
        {
            // Counts again: concurrent guesses may have reached the limit by now, and a right guess beyond it must not succeed.
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
