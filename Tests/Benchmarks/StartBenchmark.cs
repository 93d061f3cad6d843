using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>
/// Measures the time from the start of the process to the first 200 of <c>/health/ready</c>, on a new SQLite file and on an existing one,
/// and the memory of the idle service with its workers, beside <see cref="BareServer"/>.
/// </summary>
static class StartBenchmark
{
    public static Task<IReadOnlyList<Figure>> RunAsync(int rounds, TimeSpan idle)
    {
        var results = Bench.Services.Select(s => (s.Name, Rounds: new List<Round>(), Program: (string?)s.Program))
            .Append(("bare", [], null)).ToList();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var result in results)
                result.Rounds.Add(Measure(result.Program, idle));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Start: medians of {rounds} rounds, memory after {idle.TotalSeconds} s, {Environment.ProcessorCount} processors\n"));
        Console.WriteLine($"{"",-30}{"new, ms",10}{"CPU ms",8}{"again, ms",11}{"CPU ms",8}{"memory, MB",12}");
        foreach (var (name, all, _) in results)
        {
            double Of(Func<Round, double> value) => Figure.Median(all.Select(value));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-30}{Of(r => r.New.Time),10:F0}{Of(r => r.New.Cpu),8:F0}{Of(r => r.Again.Time),11:F0}{Of(r => r.Again.Cpu),8:F0}" +
                $"{Of(r => r.Memory),12:F0}"));
        }
        Console.WriteLine();
        return Task.FromResult<IReadOnlyList<Figure>>([.. results[..^1].SelectMany(s => new[]
        {
            Compare("start on a new database, ms", s.Name, s.Rounds, r => r.New.Time),
            Compare("start on an existing database, ms", s.Name, s.Rounds, r => r.Again.Time),
            Compare("idle memory, MB", s.Name, s.Rounds, r => r.Memory),
        })]);

        Figure Compare(string what, string service, List<Round> own, Func<Round, double> value) =>
            Figure.Of($"{what}, {service}", own.Select(value), "bare", results[^1].Rounds.Select(value));
    }

    static Round Measure(string? program, TimeSpan idle)
    {
        using var bench = new Bench();
        var directory = Path.Combine(bench.Directory, "data");
        var first = Start();
        var created = (first.StartTime.TotalMilliseconds, Cpu(first));
        first.Dispose();
        var second = Start();
        var again = (second.StartTime.TotalMilliseconds, Cpu(second));
        Thread.Sleep(idle);
        return new(created, again, second.Memory() / 1e6);

        Server Start() => program is null ? bench.StartBare("bare", bench.SqliteFile(), directory)
            : bench.StartService("service", program, bench.SqliteFile(), directory);

        static double Cpu(Server server) => server.Cpu() is var (own, workers) ? (own + workers).TotalMilliseconds : 0;
    }

    readonly record struct Round((double Time, double Cpu) New, (double Time, double Cpu) Again, double Memory);
}
