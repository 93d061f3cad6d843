using System.Collections.Frozen;
using NodaTime;

namespace Profiles.Infrastructure.Editing;

/// <summary>
/// The names of the IANA time zone database with its links, from NodaTime: slim container images have no database, and all instances must
/// accept the same names.
/// </summary>
static class TimeZoneNames
{
    static readonly FrozenSet<string> Names = DateTimeZoneProviders.Tzdb.Ids.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyCollection<string> All => Names;

    /// <summary>Finds a name in any case and returns the database's spelling; null when there is none.</summary>
    public static string? Find(string name) => Names.TryGetValue(name, out var spelled) ? spelled : null;
}
