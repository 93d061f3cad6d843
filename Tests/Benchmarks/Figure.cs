using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>A row of the result: the service's figure beside a peer's.</summary>
sealed record Figure(string Name, double Service, string Peer, double Other, double Ratio)
{
    /// <summary>Compares the medians, and neighbours in time for the ratio, so that a slow moment meets both.</summary>
    public static Figure Of(string name, IEnumerable<double> service, string peer, IEnumerable<double> others) =>
        new(name, Median(service), peer, Median(others), Median(service.Zip(others, (s, o) => s / o)));

    /// <summary>Compares the rounds of two servers.</summary>
    public static IEnumerable<Figure> Of(
        string name, Server service, string peer, Server other, params (string Unit, Func<LoadRound, double> Value)[] values) =>
        values.Select(v => Of($"{name}, {v.Unit}", service.Rounds.Select(v.Value), peer, other.Rounds.Select(v.Value)));

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    public static void Print(IEnumerable<Figure> figures)
    {
        Console.WriteLine("| | service | beside | ratio |\n|---|---:|---:|---:|");
        foreach (var f in figures)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {f.Name} | {Round(f.Service)} | {f.Peer} {Round(f.Other)} | {f.Ratio:F2} |"));
        }
        Console.WriteLine();
    }

    static string Round(double value) => value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
