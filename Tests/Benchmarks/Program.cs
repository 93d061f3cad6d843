using System.Globalization;

namespace Profiles.Benchmarks;

static class Program
{
    static readonly (string Name, int Rounds, double Seconds, Func<int, TimeSpan, Task<IReadOnlyList<Figure>>> RunAsync)[] Benchmarks =
    [
        ("reads", 7, 3, RequestsBenchmark.ReadsAsync),
        ("writes", 7, 3, RequestsBenchmark.WritesAsync),
        ("logins", 5, 4, LoginsBenchmark.RunAsync),
        ("images", 9, 3, ImagesBenchmark.RunAsync),
        ("uploads", 5, 4, UploadsBenchmark.RunAsync),
        ("start", 5, 5, StartBenchmark.RunAsync),
    ];

    static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["bare", .. var options]:
                await BareServer.RunAsync(options);
                return 0;
            case ["service", var path, var atOnce]:
                await ServiceImages.RunAsync(path, int.Parse(atOnce, CultureInfo.InvariantCulture));
                return 0;
            case ["growth", .. var options]:
                return await GrowthBenchmark.RunAsync(options);
        }
        var chosen = arguments is [] or ["all", ..] ? Benchmarks : [.. Benchmarks.Where(b => b.Name == arguments[0])];
        if (chosen.Length == 0)
        {
            await Console.Error.WriteLineAsync($"[all | {string.Join(" | ", Benchmarks.Select(b => b.Name))} [<rounds> [<seconds>]]]");
            await Console.Error.WriteLineAsync(GrowthBenchmark.Usage);
            return 1;
        }
        var figures = new List<Figure>();
        foreach (var benchmark in chosen)
        {
            var rounds = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : benchmark.Rounds;
            var seconds = arguments.Length > 2 ? double.Parse(arguments[2], CultureInfo.InvariantCulture) : benchmark.Seconds;
            figures.AddRange(await benchmark.RunAsync(rounds, TimeSpan.FromSeconds(seconds)));
        }
        Figure.Print(figures);
        return 0;
    }
}
