using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Passwords;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Sets a password by a token that came to an address, which is shown to be the person's by that: of an account, or of a registration that waits.</summary>
sealed class PasswordReset(OneTimeTokens tokens, Registrations registrations, AccountPasswords passwords, PasswordHasher hasher, LoginGuard guard, TimeProvider clock)
{
    /// <summary>
    /// Null when it is set; else <see cref="ErrorCodes.InvalidToken"/>, or why the password is refused: the token stays good then, and the person has another try.
    /// </summary>
    public async Task<ErrorCode?> ResetAsync(string token, string password, CancellationToken ct)
    {
        string address;
        if (await tokens.FindAsync(token, TokenPurpose.ResetPassword, ct) is { } row)
        {
            address = row.NormalizedEmail;
            if (passwords.Refusal(password, address) is { } error)
                return error;
            if (!await passwords.SetAsync(row.UserId, password, SecurityEventKind.PasswordReset, keptSession: null, user => MayAsync(user, row, ct), ct))
                return ErrorCodes.InvalidToken;
        }
        else if (await registrations.FindAsync(token, TokenPurpose.ResetPassword, ct) is { } registration)
        {
            address = registration.NormalizedEmail;
            if (passwords.Refusal(password, address) is { } error)
                return error;
            if (!await registrations.ConfirmAsync(registration, await hasher.HashAsync(password, ct), ct))
                return ErrorCodes.InvalidToken;
        }
        else
        {
            return ErrorCodes.InvalidToken;
        }
        // Who has just set a password is not to wait for having forgotten the one before.
        await guard.ForgiveAsync(address, ct);
        return null;
    }

    // The address may have been changed since the token was read.
    async Task<bool> MayAsync(User user, OneTimeToken token, CancellationToken ct)
    {
        user.EmailVerifiedAt ??= clock.GetUtcNow().UtcDateTime;
        return user.NormalizedEmail == token.NormalizedEmail && await tokens.TryUseAsync(token, ct);
    }
}
