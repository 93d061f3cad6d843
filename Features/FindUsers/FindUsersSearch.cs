using System.Globalization;
using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Audit;
using Profiles.Infrastructure.Paging;

namespace Profiles.Features.FindUsers;

/// <summary>
/// Finds accounts by an exact id or external id, then by the beginning of the address, then by that of the username: each by its index and
/// in its order, so that no page is slower than another and none repeats or leaves out an account that stays as it is. Records how many.
/// </summary>
sealed class FindUsersSearch(ProfilesDbContext db, AuditLog audit)
{
    /// <summary>After the id, after the external id, among the addresses, the usernames, the accounts without an address.</summary>
    public const string Parts = "ixaun";

    // After and before every ASCII character: addresses and usernames have no others.
    const string AfterAll = "\u007f", BeforeAll = "\u0001";

    static readonly Expression<Func<User, FindUsersEntry>> Shown = u => new(
        u.Id, u.Email, u.EmailVerifiedAt, u.Profile.Name, u.Profile.Username, u.ExternalId, u.CreatedAt, u.DisabledAt, u.GuestSince);

    public static bool IsQuery(string text) => text.Length is >= 1 and <= User.ExternalIdMaxLength && !text.Any(char.IsControl);

    /// <summary>Lists all accounts for an empty query, by address, those without one last; from the start without a cursor.</summary>
    public async Task<FindUsersResponse> FindAsync(string query, Cursor? cursor, int limit, CancellationToken ct)
    {
        var page = await SearchAsync(query, cursor, limit, ct);
        // The query may be an address.
        audit.Add("users.found", detail: string.Create(CultureInfo.InvariantCulture, $"{page.Users.Count}"));
        await db.SaveChangesAsync(ct);
        return page;
    }

    async Task<FindUsersResponse> SearchAsync(string query, Cursor? cursor, int limit, CancellationToken ct)
    {
        var place = cursor is null ? -1 : Parts.IndexOf(cursor.Part, StringComparison.Ordinal);
        var prefix = query.ToLowerInvariant();
        var (start, end) = (Start(cursor?.After), prefix + AfterAll);
        var (id, afterId) = (Number(query), place == 4 ? Number(cursor!.After) : 0);
        var accounts = db.Users.AsNoTracking();
        // An exact match is first, and nowhere else.
        var others = query.Length == 0 ? accounts : accounts.Where(u => u.Id != id && (u.ExternalId == null || u.ExternalId != query));
        var found = new List<FindUsersEntry>();
        if (query.Length > 0 && place < 0)
            found.AddRange(await accounts.Where(u => u.Id == id).Select(Shown).ToListAsync(ct));
        if (query.Length > 0 && place < 1)
            found.AddRange(await accounts.Where(u => u.Id != id && u.ExternalId == query).Select(Shown).ToListAsync(ct));
        var exact = found.Count;
        if (place < 3)
        {
            found.AddRange(await others.Where(u => u.NormalizedEmail!.CompareTo(start) >= 0 && u.NormalizedEmail.CompareTo(end) < 0)
                .OrderBy(u => u.NormalizedEmail).Take(limit + 1 - exact).Select(Shown).ToListAsync(ct));
            start = prefix;
        }
        var first = found.Count;
        if (first <= limit)
        {
            var rest = query.Length == 0
                ? others.Where(u => u.NormalizedEmail == null && u.Id > afterId).OrderBy(u => u.Id)
                : others.Where(u => u.Profile.Username!.CompareTo(start) >= 0 && u.Profile.Username.CompareTo(end) < 0
                    && (u.NormalizedEmail == null || !(u.NormalizedEmail.CompareTo(prefix) >= 0 && u.NormalizedEmail.CompareTo(end) < 0)))
                    .OrderBy(u => u.Profile.Username);
            found.AddRange(await rest.Take(limit + 1 - first).Select(Shown).ToListAsync(ct));
        }
        if (found.Count <= limit)
            return new(found, null);
        var last = found[limit - 1];
        Cursor next = limit <= exact ? new(Parts[last.Id == id ? 0 : 1], "")
            : limit <= first ? new(Parts[2], User.Normalize(last.Email!))
            : query.Length > 0 ? new(Parts[3], last.Username!) : new(Parts[4], last.Id.ToString(CultureInfo.InvariantCulture));
        return new(found[..limit], $"{next}");

        static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0;
        // One lower bound: SQLite seeks by one of two, and would read all pages before.
        string Start(string? after) => after is not null && string.CompareOrdinal(after, prefix) >= 0 ? after + BeforeAll : prefix;
    }
}
