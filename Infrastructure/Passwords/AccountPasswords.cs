using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Auth;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Limits;
using Profiles.Infrastructure.Mail;

namespace Profiles.Infrastructure.Passwords;

/// <summary>Gives an account another password: whoever is logged in with the old one is logged out, and the owner is told.</summary>
sealed class AccountPasswords(
    ProfilesDbContext db, PasswordHasher hasher, LoginGuard guard, Sessions sessions, PasswordBlocklist blocklist, OneTimeTokens tokens, SecurityEventLog events, MailOutbox mails, TimeProvider clock,
    ILogger<AccountPasswords> log)
{
    /// <summary>Why the user may not take the password; null when they may.</summary>
    public ErrorCode? Refusal(string password, User user) => blocklist.Refusal(password, user.Email);

    /// <summary>Whether it is the user's password. Throws <see cref="Errors.BusyException"/> and <see cref="Errors.TooManyException"/>.</summary>
    public Task<bool> VerifyAsync(string password, User user, CancellationToken ct) => guard.VerifyAsync(user, password, ct);

    /// <summary>
    /// Hashes a password that has just been verified once more where more work is asked for now than then. Guarded by the old hash: a password that was changed
    /// meanwhile stays changed. Who logs in need not care whether it succeeds: the next login tries again.
    /// </summary>
    public async Task RenewAsync(User user, string password, CancellationToken ct)
    {
        if (!hasher.NeedsRehash(user.PasswordHash))
            return;
        try
        {
            var hash = await hasher.HashAsync(password, ct);
            if (await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, hash), ct) == 1)
                user.PasswordHash = hash;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogWarning(e, "A password's hash could not be renewed.");
        }
    }

    /// <summary>
    /// Sets a password in place of the one that the caller has verified, and ends all sessions but <paramref name="keptSession"/>. False when another was set meanwhile:
    /// nothing has changed then.
    /// </summary>
    public async Task<bool> ChangeAsync(User user, string password, long? keptSession, CancellationToken ct)
    {
        var hash = await hasher.HashAsync(password, ct);
        await using var transaction = await db.Database.BeginTransactionAsync(ct);
        if (await db.Users.Where(u => u.Id == user.Id && u.PasswordHash == user.PasswordHash).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, hash), ct) == 0)
            return false;
        await db.OneTimeTokens.Where(t => t.UserId == user.Id && t.Purpose == TokenPurpose.ResetPassword).ExecuteDeleteAsync(ct);
        await EndAsync(user, SecurityEventKind.PasswordChanged, keptSession, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>
    /// Sets a password by a token that came to the account's address, which is verified by that; ends all sessions, tokens and changes of address that wait.
    /// False when the token was used meanwhile: nothing has changed then.
    /// </summary>
    public async Task<bool> ResetAsync(OneTimeToken token, User user, string password, CancellationToken ct)
    {
        var hash = await hasher.HashAsync(password, ct);
        var now = clock.GetUtcNow().UtcDateTime;
        await using var transaction = await db.TakeTurnAsync(user.Id, ct);
        await db.UserProfiles.Where(p => p.UserId == user.Id).ExecuteUpdateAsync(p => p.SetProperty(x => x.Version, x => x.Version + 1).SetProperty(x => x.UpdatedAt, now), ct);
        if (!await tokens.TryUseAsync(token, ct))
            return false;
        // The address may have been changed since the token was read.
        if (await db.Users.Where(u => u.Id == user.Id && u.NormalizedEmail == token.NormalizedEmail).ExecuteUpdateAsync(u => u
                .SetProperty(x => x.PasswordHash, hash).SetProperty(x => x.PendingEmail, (string?)null).SetProperty(x => x.EmailVerifiedAt, x => x.EmailVerifiedAt ?? now), ct) == 0)
            return false;
        await db.OneTimeTokens.Where(t => t.UserId == user.Id).ExecuteDeleteAsync(ct);
        await EndAsync(user, SecurityEventKind.PasswordReset, keptSession: null, ct);
        await transaction.CommitAsync(ct);
        // Who has just set a password is not to wait for having forgotten the one before.
        await guard.ForgiveAsync(user, ct);
        return true;
    }

    async Task EndAsync(User user, SecurityEventKind kind, long? keptSession, CancellationToken ct)
    {
        await sessions.RemoveOthersAsync(user.Id, keptSession, ct);
        events.Add(user.Id, kind);
        mails.Add(MailKind.PasswordChanged, user.Email, user.Id);
        await db.SaveChangesAsync(ct);
    }
}
