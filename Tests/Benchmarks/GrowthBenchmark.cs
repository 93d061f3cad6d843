using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;
using Profiles.Tests;

namespace Profiles.Benchmarks;

/// <summary>
/// Measures what the service does on databases of very different sizes, alternately, as ratios to the smallest of the same engine. One
/// connection asks, for a user picked at random among all, so that neither waiting nor a cache hides what a size costs.
/// </summary>
static class GrowthBenchmark
{
    public const string Usage = "growth [<users>,<users>… [<rounds> [sqlite | postgresql]]]";

    const int WarmUps = 2;

    /// <summary>What a ratio may exceed that of the logarithms by before the benchmark fails: the noise of a busy machine.</summary>
    const double Tolerance = 1.2;

    static readonly int[] Sizes = [1_000, 100_000, 3_000_000];

    static readonly Request[] Kinds =
    [
        new("GET /me", 3000, 200, (s, user) => Requests.Get(s.Token(user))),
        new("PUT /me", 500, 200, (s, user) => Requests.Put(s.Token(user), $"John Doe {Random.Shared.Next()}")),
        new("log-in less the hash", 300, 200, (_, user) => Requests.Login(user)),
        new("registration less the hash", 100, 201, (_, _) => Requests.Register(Guid.NewGuid())),
        new("admin search", 300, 200, (s, user) => s.Admin($"?query=user{user}&limit=20"), IsAdmin: true),
        new("admin list, a page", 300, 200, (s, user) => s.Admin($"?limit=20&cursor={Cursor(user)}"), IsAdmin: true),
    ];

    /// <returns>The exit code: 1 when something grows faster than the logarithm.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        int[] sizes = arguments is [var list, ..] ? [.. list.Split(',').Select(Number).Order()] : Sizes;
        var rounds = arguments.Length > 1 ? Number(arguments[1]) : 9;
        string[] engines = arguments.Length > 2 ? [arguments[2]] : ["sqlite", "postgresql"];
        using var bench = new Bench
        {
            // The environment in which bcrypt may be cheap: less is then subtracted from a log-in.
            Settings = { ["ASPNETCORE_ENVIRONMENT"] = "Testing", ["Passwords__WorkFactor"] = $"{GrowthData.WorkFactor}" },
        };
        await using var cluster = engines.Contains("postgresql")
            ? await PostgreSqlCluster.StartAsync("fsync=on", "max_wal_size=4GB") : null;
        RequireSpace(sizes, engines);

        List<Subject> subjects = [];
        foreach (var engine in engines)
        {
            foreach (var size in sizes)
                subjects.Add(await MakeAsync(bench, cluster, engine, size));
        }
        subjects.ForEach(s => s.Start());
        var kinds = Kinds.Where(k => !k.IsAdmin || subjects[0].HasAdmin).ToArray();
        for (var round = -WarmUps; round < rounds; round++)
        {
            foreach (var kind in kinds)
                subjects.ForEach(s => s.Keep(kind.Name, round, s.Ask(kind)));
            foreach (var subject in subjects)
                subject.Keep("cleanup", round, await subject.CleanUpAsync(round + WarmUps));
        }
        subjects.ForEach(s => s.Stop());
        for (var round = 0; round < rounds; round++)
            subjects.ForEach(s => s.Keep("start", round, s.MeasureStart()));
        foreach (var subject in subjects.Where(s => s.HasBackup))
            subject.Keep(Subject.Backup, 0, subject.BackUp());

        var lines = subjects.GroupBy(s => s.Engine).SelectMany(engine => Growth.Of(engine.Key, [.. engine])).ToArray();
        var report = Report(lines, sizes, rounds);
        Console.WriteLine(report);
        Write(report, GrowthChart.Draw(lines.Where(l => l.Unit == Growth.Time), sizes), isWhole: arguments is []);
        var faster = lines.Where(l => l.Name != Subject.Backup
            && l.Ratios.Zip(sizes).Any(r => r.First > LogarithmOf(sizes, r.Second) * Tolerance)).ToArray();
        foreach (var line in faster)
            await Console.Error.WriteLineAsync($"Grows faster than the logarithm: {line.Engine}, {line.Name}, {line.Unit}");
        return faster.Length == 0 ? 0 : 1;
    }

    /// <summary>How the logarithm of the number of users grows.</summary>
    public static double LogarithmOf(int[] sizes, int size) => Math.Log(size) / Math.Log(sizes[0]);

    // Where a list continues: after this address.
    static string Cursor(int user) => Base64Url.EncodeToString(Encoding.ASCII.GetBytes($"a{Accounts.Email(user)}"));

    static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    static void RequireSpace(int[] sizes, string[] engines)
    {
        var needed = sizes.Sum(s => (long)s) * engines.Sum(e => e == "sqlite" ? GrowthData.SqliteBytes : GrowthData.PostgreSqlBytes);
        var free = new DriveInfo(Path.GetTempPath()).AvailableFreeSpace;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetTempPath()} has {free / 1e9:F1} GB left; this takes up to {needed / 1e9:F1} GB."));
        if (free < needed + 1_000_000_000)
            throw new InvalidOperationException("There is too little space for databases of these sizes.");
    }

    static async Task<Subject> MakeAsync(Bench bench, PostgreSqlCluster? cluster, string engine, int size)
    {
        var start = Stopwatch.GetTimestamp();
        var connectionString = engine == "sqlite" ? bench.SqliteFile($"{size}.db") : cluster!.CreateDatabase($"users_{size}");
        if (engine == "sqlite")
        {
            using var sqlite = new SqliteEngine(connectionString, TimeSpan.FromSeconds(30));
            await sqlite.MigrateAsync(CancellationToken.None);
        }
        else
        {
            await new PostgreSqlEngine(connectionString, TimeSpan.FromSeconds(30), NullLogger<PostgreSqlEngine>.Instance)
                .MigrateAsync(CancellationToken.None);
        }
        var data = new GrowthData(connectionString);
        await data.FillAsync(size);
        cluster?.Execute("CHECKPOINT");
        var subject = new Subject(bench, cluster, engine == "sqlite" ? "SQLite" : "PostgreSQL", size, connectionString, data);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{subject.Engine}: {size:N0} users made in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, " +
            $"{subject.Bytes() / 1e6:F0} MB"));
        return subject;
    }

    static string Report(IReadOnlyCollection<Growth> lines, int[] sizes, int rounds)
    {
        var text = new StringBuilder();
        var columns = sizes.Select(s => s.ToString("N0", CultureInfo.InvariantCulture));
        text.AppendLine($"| | | {string.Join(" | ", columns)} |");
        text.AppendLine($"|---|---|{string.Concat(sizes.Select(_ => "---:|"))}");
        foreach (var line in lines)
        {
            var ratios = line.Ratios.Skip(1).Select(r => r.ToString("F2", CultureInfo.InvariantCulture));
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {line.Engine}: {line.Name} | {line.Unit} | {line.Smallest:F1} | {string.Join(" | ", ratios)} |");
        }
        text.AppendLine(CultureInfo.InvariantCulture,
            $"| the logarithm | | 1 | {string.Join(" | ", sizes.Skip(1).Select(s => $"{LogarithmOf(sizes, s):F2}"))} |");
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Medians of {rounds} alternating rounds on {Environment.ProcessorCount} processors and " +
            $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F0} GB of memory.");
        return text.ToString();
    }

    static void Write(string report, string chart, bool isWhole)
    {
        var directory = isWhole ? "docs" : Path.Combine("artifacts", "bench");
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "growth.svg"), chart);
        var page = Path.Combine(directory, "growth.md");
        const string Begin = "<!-- measured -->\n", End = "<!-- end -->";
        if (!isWhole)
            return;
        var old = File.ReadAllText(page);
        var (from, to) = (old.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, old.IndexOf(End, StringComparison.Ordinal));
        File.WriteAllText(page, $"{old[..from]}{report}{old[to..]}");
    }
}
