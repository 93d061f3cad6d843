using Profiles.Data;
using Profiles.Infrastructure.Errors;
using Profiles.Infrastructure.Mail;
using Profiles.Infrastructure.Passwords;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Gives an account another password: what pends is void, whoever is logged in with the old one is logged out, and the owner is told.</summary>
sealed class AccountPasswords(
    ProfilesDbContext db, PasswordHasher hasher, PasswordBlocklist blocklist, CredentialChange credentials, SecurityEventLog events, MailOutbox mails)
{
    /// <summary>Why who has this address may not take the password; null when they may.</summary>
    public ErrorCode? Refusal(string password, string email) => blocklist.Refusal(password, email);

    /// <summary>
    /// Sets a password in place of the one that the caller has verified, and ends all sessions but <paramref name="keptSession"/>. False when another was set meanwhile:
    /// nothing has changed then.
    /// </summary>
    public Task<bool> ChangeAsync(User verified, string password, long? keptSession, CancellationToken ct) =>
        SetAsync(verified.Id, password, SecurityEventKind.PasswordChanged, keptSession, u => Task.FromResult(u.PasswordHash == verified.PasswordHash), ct);

    /// <summary>
    /// Sets a password for whoever may, which is asked when nobody else can change the account any more. False when they may not, or the user is gone.
    /// </summary>
    public async Task<bool> SetAsync(
        long userId, string password, SecurityEventKind kind, long? keptSession, Func<User, Task<bool>> may, CancellationToken ct)
    {
        var hash = await hasher.HashAsync(password, ct);
        await using var turn = await db.TakeTurnAsync(userId, ct);
        if (await db.TrackUserAsync(userId, ct) is not { } user || !await may(user))
            return false;
        await credentials.VoidAsync(user, keptSession, ct);
        user.PasswordHash = hash;
        events.Add(userId, kind);
        mails.Add(MailKind.PasswordChanged, user.Email, userId);
        await db.SaveChangesAsync(ct);
        await turn.CommitAsync(ct);
        return true;
    }
}
