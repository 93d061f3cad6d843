using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Limits;

namespace Profiles.Infrastructure.Accounts;

/// <summary>
/// Checks the digits of mails as often as <see cref="FailedLogins"/> allows, which counts across all codes of an address. An address
/// without a code takes the same work and gets the same answers as any other.
/// </summary>
sealed class MailCodeCheck(MailCodes codes, FailedLogins failures, IHttpContextAccessor http)
{
    /// <summary>
    /// Returns the hash of a mail's token: of the token itself or, where it is null, of that which the digits stand for. Null when these
    /// are wrong or not valid any more.
    /// </summary>
    /// <inheritdoc cref="TryAsync" path="/exception"/>
    public async Task<byte[]?> HashAsync(
        MailCodePurpose purpose, string? token, string? requestToken, string? email, string? digits, CancellationToken ct)
    {
        token ??= await TryAsync(purpose, User.Normalize(email!), digits!, requestToken!, ct) is { } code ? codes.TokenOf(code) : null;
        return token is null ? null : OneTimeTokens.Hash(token);
    }

    /// <summary>Returns the code whose digits these are; null when they are wrong or not valid any more.</summary>
    /// <exception cref="RateLimitedException">Too many wrong codes; answered 429.</exception>
    public async Task<MailCode?> TryAsync(
        MailCodePurpose purpose, string normalizedEmail, string digits, string requestToken, CancellationToken ct)
    {
        // Apart from the passwords of the same address.
        var (account, network) = ($"code {normalizedEmail}", ClientNetwork.ForLimits(http.HttpContext!));
        await failures.RefuseAsync(account, network, ct);
        if (await codes.TryAsync(purpose, normalizedEmail, MailCode.Read(digits)!, OneTimeTokens.Hash(requestToken), ct) is { } code)
        {
            // Counts again: concurrent guesses may have reached the limit by now, and a right guess beyond it must not succeed.
            if (await failures.RefuseAsync(account, network, ct))
                await failures.ForgetAsync(account, network, ct);
            return code;
        }
        await failures.CountAsync(account, network);
        return null;
    }
}
