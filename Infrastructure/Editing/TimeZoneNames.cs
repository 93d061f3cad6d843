using System.Collections.Frozen;

namespace Profiles.Infrastructure.Editing;

/// <summary>
/// The names of the IANA time zone database, 2025b (https://www.iana.org/time-zones, in the public domain), its links too. A list of ours rather than the system's:
/// a slim image has none, and a name is refused on no instance that another one takes.
/// </summary>
static class TimeZoneNames
{
    static readonly FrozenSet<string> Names = Read().ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them, in no order.</summary>
    public static IReadOnlyCollection<string> All => Names;

    /// <summary>The name as the database spells it, in whatever case it was written; null when it is none.</summary>
    public static string? Find(string name) => Names.TryGetValue(name, out var spelled) ? spelled : null;

    static IEnumerable<string> Read()
    {
        using var lines = new StreamReader(typeof(TimeZoneNames).Assembly.GetManifestResourceStream("time-zones.txt")!);
        while (lines.ReadLine() is { } name)
            yield return name;
    }
}
