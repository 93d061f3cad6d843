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

    static readonly Expression<Func<Account, FindUsersEntry>> Shown = a => new(
        a.User.Id, a.User.Email, a.User.EmailVerifiedAt, a.Profile.Name, a.Profile.Username, a.User.ExternalId, a.User.CreatedAt,
        a.User.DisabledAt, a.User.GuestSince);

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
        var id = long.TryParse(place == 4 ? cursor!.After : query, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0;
        var accounts = db.Users.Join(db.UserProfiles, u => u.Id, p => p.UserId, (u, p) => new Account { User = u, Profile = p });
        // An exact match is first, and nowhere else.
        var others = accounts.Where(a => a.User.Id != id && (a.User.ExternalId == null || a.User.ExternalId != query));
        var found = new List<FindUsersEntry>();
        if (query.Length > 0 && place < 0)
            await AddAsync(accounts.Where(a => a.User.Id == id));
        if (query.Length > 0 && place < 1)
            await AddAsync(accounts.Where(a => a.User.Id != id && a.User.ExternalId == query));
        var exact = found.Count;
        if (place < 3)
        {
            await AddAsync(others.Where(a => a.User.NormalizedEmail!.CompareTo(start) >= 0 && a.User.NormalizedEmail.CompareTo(end) < 0)
                .OrderBy(a => a.User.NormalizedEmail));
            start = prefix;
        }
        var first = found.Count;
        if (first <= limit)
            await AddAsync(query.Length == 0
                ? others.Where(a => a.User.NormalizedEmail == null && a.User.Id > id).OrderBy(a => a.User.Id)
                : others.Where(a => a.Profile.Username!.CompareTo(start) >= 0 && a.Profile.Username.CompareTo(end) < 0
                    && !((a.User.NormalizedEmail ?? "").CompareTo(prefix) >= 0 && a.User.NormalizedEmail!.CompareTo(end) < 0))
                    .OrderBy(a => a.Profile.Username));
        if (found.Count <= limit)
            return new(found, null);
        var last = found[limit - 1];
        Cursor next = limit <= exact ? new(Parts[last.Id == id ? 0 : 1], "")
            : limit <= first ? new(Parts[2], User.Normalize(last.Email!))
            : query.Length > 0 ? new(Parts[3], last.Username!) : new(Parts[4], last.Id.ToString(CultureInfo.InvariantCulture));
        return new(found[..limit], $"{next}");

        async Task AddAsync(IQueryable<Account> some) =>
            found.AddRange(await some.Take(limit + 1 - found.Count).Select(Shown).ToListAsync(ct));

        // One lower bound: SQLite seeks by one of two, and would read all pages before.
        string Start(string? after) => after is not null && string.CompareOrdinal(after, prefix) >= 0 ? after + BeforeAll : prefix;
    }

    sealed class Account
    {
        public required User User { get; init; }
        public required UserProfile Profile { get; init; }
    }
}
