namespace Profiles.Benchmarks;

/// <summary>What one thing costs with every number of users, as ratios to the smallest of the same round.</summary>
/// <param name="Engine">The database.</param>
/// <param name="Name">The thing.</param>
/// <param name="Unit">What is counted, and in what.</param>
/// <param name="Smallest">With the fewest users.</param>
/// <param name="Ratios">By the number of users; the first is 1.</param>
sealed record Growth(string Engine, string Name, string Unit, double Smallest, double[] Ratios)
{
    public const string Time = "time, µs", Cpu = "CPU, µs";

    public static IEnumerable<Growth> Of(string engine, IReadOnlyList<Subject> subjects) =>
        subjects[0].Costs.Keys.SelectMany(name => new[]
        {
            Of(engine, name, Time, [.. subjects.Select(s => s.Costs[name].Select(c => (double?)c.Time).ToArray())]),
            Of(engine, name, Cpu, [.. subjects.Select(s => s.Costs[name].Select(c => c.Cpu).ToArray())]),
        }).OfType<Growth>();

    static Growth? Of(string engine, string name, string unit, double?[][] costs) => costs[0][0] is null ? null
        : new(engine, name, unit, Figure.Median(costs[0].Select(c => c!.Value)),
            [.. costs.Select(c => Figure.Median(c.Zip(costs[0], (own, smallest) => own!.Value / smallest!.Value)))]);
}
