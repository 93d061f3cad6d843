using System.Collections.Frozen;
using NodaTime;

namespace Profiles.Infrastructure.Editing;

/// <summary>
/// The names of the IANA time zone database, its links too, as NodaTime carries them and not the system: a slim image has none, and a name is refused on no instance
/// that another one takes.
/// </summary>
static class TimeZoneNames
{
    static readonly FrozenSet<string> Names = DateTimeZoneProviders.Tzdb.Ids.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them, in no order.</summary>
    public static IReadOnlyCollection<string> All => Names;

    /// <summary>The name as the database spells it, in whatever case it was written; null when it is none.</summary>
    public static string? Find(string name) => Names.TryGetValue(name, out var spelled) ? spelled : null;
}
