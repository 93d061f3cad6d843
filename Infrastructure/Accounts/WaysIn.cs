using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Knows how a user can log in, so that nobody removes the last way.</summary>
sealed class WaysIn(ProfilesDbContext db)
{
    /// <summary>
    /// Whether a user could still log in after the removal of an identity or a passkey. The caller has locked the user's row.
    /// </summary>
    public async Task<bool> RemainAsync(
        long userId, CancellationToken ct, long? withoutIdentity = null, long? withoutPasskey = null) =>
        await db.Users.CountAsync(
            u => u.Id == userId && u.NormalizedEmail != null && (u.PasswordHash != "" || u.EmailVerifiedAt != null), ct) > 0
        || await db.Identities.CountAsync(i => i.UserId == userId && i.Id != withoutIdentity, ct) > 0
        || await db.Passkeys.CountAsync(p => p.UserId == userId && p.Id != withoutPasskey, ct) > 0;
}
