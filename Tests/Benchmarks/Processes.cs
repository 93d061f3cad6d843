using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>A process as /proc shows it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Parent">The number of its parent.</param>
/// <param name="Cpu">Its processor time, including that of ended children.</param>
/// <param name="Memory">Its resident memory, in bytes.</param>
/// <param name="PeakMemory">Its peak memory, in bytes.</param>
sealed record Processes(int Id, int Parent, TimeSpan Cpu, long Memory, long PeakMemory)
{
    /// <summary>A process, then all its descendants.</summary>
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

    /// <summary>The processor time of a process's threads, by their names, more exact than <see cref="Cpu"/>.</summary>
    public static IEnumerable<(string Name, TimeSpan Cpu)> Threads(int id)
    {
        foreach (var thread in Directory.EnumerateDirectories($"/proc/{id}/task"))
        {
            string name, nanoseconds;
            try
            {
                name = File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd();
                nanoseconds = File.ReadAllText(Path.Combine(thread, "schedstat")).Split(' ')[0];
            }
            catch (IOException)
            {
                // It has ended meanwhile.
                continue;
            }
            yield return (name, TimeSpan.FromMicroseconds(double.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1000));
        }
    }

    static Processes? Read(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // Skips the name, which may contain blanks and brackets.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // utime, stime, cutime and cstime, in hundredths of a second.
            var hundredths = fields[11..15].Sum(f => long.Parse(f, CultureInfo.InvariantCulture));
            return new(id, int.Parse(fields[1], CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(hundredths * 10),
                Bytes(id, "VmRSS:"), Bytes(id, "VmHWM:"));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }

    // A kernel thread has no memory.
    static long Bytes(int id, string name) =>
        File.ReadLines($"/proc/{id}/status").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? long.Parse(line.AsSpan(name.Length, line.Length - name.Length - "kB".Length), CultureInfo.InvariantCulture) * 1024 : 0;
}
