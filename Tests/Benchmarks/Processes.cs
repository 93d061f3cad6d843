using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>What /proc says of a process.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Parent">The number of the one that started it.</param>
/// <param name="Cpu">What it has used of the processors, and what those of its children had that are gone.</param>
/// <param name="PeakMemory">The most that it ever had in memory, in bytes.</param>
sealed record Processes(int Id, int Parent, TimeSpan Cpu, long PeakMemory)
{
    /// <summary>A process, then all below it.</summary>
    public static IReadOnlyList<Processes> Of(int id)
    {
        var all = Directory.EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var number) ? Read(number) : null)
            .OfType<Processes>().ToArray();
        List<Processes> found = [.. all.Where(p => p.Id == id)];
        for (var i = 0; i < found.Count; i++)
            found.AddRange(all.Where(p => p.Parent == found[i].Id));
        return found;
    }

    static Processes? Read(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // The name before may contain anything, blanks and brackets too.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // utime, stime, cutime and cstime, in hundredths of a second.
            var hundredths = fields[11..15].Sum(f => long.Parse(f, CultureInfo.InvariantCulture));
            // A kernel's own thread has no memory.
            var peak = File.ReadLines($"/proc/{id}/status")
                .FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal))?["VmHWM:".Length..^"kB".Length];
            return new(id, int.Parse(fields[1], CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(hundredths * 10),
                peak is null ? 0 : long.Parse(peak, CultureInfo.InvariantCulture) * 1024);
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return null;
        }
    }
}
