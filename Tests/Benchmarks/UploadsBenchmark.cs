using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>
/// Uploads a 12-megapixel photo to the service, with local images and SQLite, and to a small server of node's with sharp, which makes the
/// same images and flushes them to files, but checks no token and has no database.
/// </summary>
static class UploadsBenchmark
{
    static readonly int[] Levels = [2, 4];
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    public static async Task<IReadOnlyList<Figure>> RunAsync(int rounds, TimeSpan length)
    {
        using var bench = new Bench();
        var photo = Photo.Make();
        var tokens = Accounts.Tokens(bench.SigningKey);
        var uploads = Enumerable.Range(1, Levels.Max()).Select(user => Requests.Upload(tokens[user], photo)).ToArray();
        ReadOnlyMemory<byte> Upload(int index) => uploads[index];

        var groups = new List<(int AtOnce, IReadOnlyList<Server> Services, Server Sharp)>();
        foreach (var atOnce in Levels)
        {
            var connectionString = bench.SqliteFile($"{atOnce}.db");
            var services = Bench.Services
                .Select(s => bench.StartService($"{s.Name}, {atOnce} at once", s.Program, connectionString)).ToList();
            await Accounts.FillAsync(connectionString);
            groups.Add((atOnce, services, bench.Start($"sharp, {atOnce} at once", connectionString, null,
                "node", ImagesBenchmark.SharpProgram, ImagesBenchmark.Sharp, "serve")));
        }
        var servers = groups.SelectMany(g => g.Services.Append(g.Sharp).Select(s => (g.AtOnce, Server: s))).ToList();
        foreach (var (atOnce, server) in servers)
            Load.Run(server, atOnce, WarmUp, Upload);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (atOnce, server) in servers)
                server.Rounds.Add(Load.Run(server, atOnce, length, Upload));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Uploads of a photo of {photo.Length / 1e6:F1} MB: medians of {rounds} rounds of {length.TotalSeconds} s, " +
            $"{Environment.ProcessorCount} processors\n"));
        Console.WriteLine($"{"",-30}{"uploads/s",11}{"CPU ms each",13}{"its workers",13}{"p50 ms",10}{"p99 ms",10}");
        foreach (var (_, server) in servers)
        {
            double Of(Func<LoadRound, double> value) => Figure.Median(server.Rounds.Select(value));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{server.Name,-30}{Of(r => r.PerSecond),11:F1}{Of(r => r.Cpu / 1000),13:F1}{Of(r => r.WorkersCpu / 1000),13:F1}" +
                $"{Of(r => r.Median),10:F0}{Of(r => r.P99),10:F0}"));
        }
        Console.WriteLine();
        return [.. groups.SelectMany(g => g.Services.SelectMany(service => Figure.Of($"uploads, {service.Name}", service, "sharp", g.Sharp,
            ("per second", r => r.PerSecond), ("CPU ms each", r => (r.Cpu + r.WorkersCpu) / 1000))))];
    }
}
