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
        await db.Users.AnyAsync(
            u => u.Id == userId && u.NormalizedEmail != null && (u.PasswordHash != "" || u.EmailVerifiedAt != null), ct)
        || await db.Identities.AnyAsync(i => i.UserId == userId && i.Id != withoutIdentity, ct)
        || await db.Passkeys.AnyAsync(p => p.UserId == userId && p.Id != withoutPasskey, ct);
}
