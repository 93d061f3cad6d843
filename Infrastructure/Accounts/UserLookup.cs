using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Infrastructure.Accounts;

/// <summary>Finds the user whom an operator names.</summary>
sealed class UserLookup(ProfilesDbContext db)
{
    /// <summary>Finds a user with the profile, untracked, by address, id or username; digits alone are an id. Null: nobody.</summary>
    public async Task<User?> FindAsync(string who, CancellationToken ct)
    {
        if (long.TryParse(who, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return await db.FindUserAsync(id, ct);
        var users = db.Users.AsNoTracking().Include(u => u.Profile);
        var (email, username) = (User.Normalize(who), UserProfile.Normalize(who));
        return await (who.Contains('@')
            ? users.SingleOrDefaultAsync(u => u.NormalizedEmail == email, ct)
            : users.SingleOrDefaultAsync(u => u.Profile.Username == username, ct));
    }
}
