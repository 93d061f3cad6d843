using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Profiles.Data;
using Profiles.Infrastructure.Identities;
using Profiles.Infrastructure.Mail;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Knows how a user can log in, so that nobody removes the last way, and when an account may get another one.</summary>
sealed class WaysIn(ProfilesDbContext db, IdentityProviders providers, IOptions<MailOptions> mail)
{
    /// <summary>
    /// Whether a user may get an identity, a passkey or a second factor: not while the account's address is unverified, because a stranger
    /// may have registered it and would keep what is added. Without a mail server nobody can verify one. The caller that adds has locked
    /// the user's row.
    /// </summary>
    public async Task<bool> MayGrowAsync(long userId, CancellationToken ct) => mail.Value.Host is null
        || await db.Users.CountAsync(u => u.Id == userId && u.NormalizedEmail != null && u.EmailVerifiedAt == null, ct) == 0;

    /// <summary>Whether a user, as it is to be saved, logs in with nothing but a password. The caller has locked the user's row.</summary>
    public async Task<bool> AreOnlyPasswordAsync(User user, CancellationToken ct) => user.PasswordHash.Length > 0
        && await db.Users.CountAsync(
            u => u.Id == user.Id
                && !db.SecondFactors.Any(f => f.UserId == u.Id && f.ConfirmedAt != null)
                && !db.Identities.Any(i => i.UserId == u.Id) && !db.Passkeys.Any(p => p.UserId == u.Id),
            ct) == 1;

    /// <summary>
    /// Whether a user can still log in, asked after a removal in the same transaction, which has locked the user's row; without a way in it
    /// must be rolled back. An identity of a provider that is turned off is none.
    /// </summary>
    public async Task<bool> RemainAsync(long userId, CancellationToken ct)
    {
        var names = providers.Names;
        return await db.Users.CountAsync(
            u => u.Id == userId && u.NormalizedEmail != null && (u.PasswordHash != "" || u.EmailVerifiedAt != null), ct) > 0
            || await db.Identities.CountAsync(i => i.UserId == userId && names.Contains(i.Provider), ct) > 0
            || await db.Passkeys.CountAsync(p => p.UserId == userId, ct) > 0;
    }
}
