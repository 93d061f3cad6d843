using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Identities;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Knows how a user can log in, so that nobody removes the last way.</summary>
sealed class WaysIn(ProfilesDbContext db, IdentityProviders providers)
{
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
