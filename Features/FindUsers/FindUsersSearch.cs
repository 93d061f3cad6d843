using System.Globalization;
using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Features.FindUsers;

/// <summary>
/// Finds accounts by an exact id or external id, then by the beginning of the address, then by that of the username: each by its index and
/// in its order, so that no page is slower than another and none repeats or leaves out an account that stays as it is.
/// </summary>
sealed class FindUsersSearch(ProfilesDbContext db)
{
    // After every ASCII character: addresses and usernames have no others.
    const string AfterAll = "\u007f";

    static readonly Expression<Func<User, FindUsersEntry>> Shown = u => new(
        u.Id, u.Email, u.EmailVerifiedAt, u.Profile.Name, u.Profile.Username, u.ExternalId, u.CreatedAt, u.DisabledAt);

    public static bool IsQuery(string text) => text.Length is >= 1 and <= User.ExternalIdMaxLength && !text.Any(char.IsControl);

    /// <summary>Lists all accounts for an empty query, in the order of their addresses.</summary>
    public async Task<FindUsersResponse> FindAsync(string query, FindUsersCursor cursor, int limit, CancellationToken ct)
    {
        var prefix = query.ToLowerInvariant();
        var (end, after) = (prefix + AfterAll, cursor.After);
        var id = long.TryParse(query, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var users = db.Users.AsNoTracking();
        // An exact match is first, and on no later page.
        var others = query.Length == 0 ? users : users.Where(u => u.Id != id && (u.ExternalId == null || u.ExternalId != query));
        var found = new List<FindUsersEntry>();
        if (query.Length > 0 && cursor == FindUsersCursor.Start)
        {
            found.AddRange(await users.Where(u => u.Id == id).Select(Shown).ToListAsync(ct));
            found.AddRange(await users.Where(u => u.Id != id && u.ExternalId == query).Select(Shown).ToListAsync(ct));
        }
        var byAddress = new List<FindUsersEntry>();
        if (!cursor.ByUsername)
        {
            byAddress = await others
                .Where(u => u.NormalizedEmail.CompareTo(prefix) >= 0 && u.NormalizedEmail.CompareTo(end) < 0
                    && u.NormalizedEmail.CompareTo(after) > 0)
                .OrderBy(u => u.NormalizedEmail).Take(limit + 1 - found.Count).Select(Shown).ToListAsync(ct);
            after = "";
        }
        var exact = found.Count;
        found.AddRange(byAddress);
        if (query.Length > 0 && found.Count <= limit)
        {
            found.AddRange(await others
                .Where(u => u.Profile.Username!.CompareTo(prefix) >= 0 && u.Profile.Username.CompareTo(end) < 0
                    && u.Profile.Username.CompareTo(after) > 0
                    && !(u.NormalizedEmail.CompareTo(prefix) >= 0 && u.NormalizedEmail.CompareTo(end) < 0))
                .OrderBy(u => u.Profile.Username).Take(limit + 1 - found.Count).Select(Shown).ToListAsync(ct));
        }
        if (found.Count <= limit)
            return new(found, null);
        var last = found[limit - 1];
        FindUsersCursor next = limit <= exact ? FindUsersCursor.AfterExact
            : limit <= exact + byAddress.Count ? new(false, User.Normalize(last.Email)) : new(true, last.Username!);
        return new(found[..limit], $"{next}");
    }
}
