using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using NetVips;
using Profiles.Infrastructure.Decoding;

namespace Profiles.Benchmarks;

/// <summary>
/// Decodes a 12-megapixel photo through the service's <see cref="DecodePool"/> and through sharp, alternately, so that other load meets
/// both. Each runs in a process of its own that keeps the photo in memory; receiving an upload and storing an image are not measured.
/// </summary>
static class ImagesBenchmark
{
    static readonly int[] Levels = [1, 2, 4];
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    /// <summary>Where sharp is installed.</summary>
    public static string Sharp => Environment.GetEnvironmentVariable("PROFILES_BENCH_SHARP") ?? throw new InvalidOperationException(
        "PROFILES_BENCH_SHARP must name the directory that sharp is installed in, as ./dev bench images does.");

    public static string SharpProgram { get; } = Path.Combine(AppContext.BaseDirectory, "sharp.mjs");

    public static async Task<IReadOnlyList<Figure>> RunAsync(int rounds, TimeSpan length)
    {
        var directory = Directory.CreateTempSubdirectory("profiles-bench-").FullName;
        var pairs = new List<(int AtOnce, Maker Service, Maker Sharp)>();
        try
        {
            var path = Path.Combine(directory, "photo.jpg");
            var photo = Photo.Make();
            await File.WriteAllBytesAsync(path, photo);
            foreach (var atOnce in Levels.Select(level => level.ToString(CultureInfo.InvariantCulture)))
            {
                pairs.Add((
                    int.Parse(atOnce, CultureInfo.InvariantCulture),
                    new Maker("service", "dotnet", typeof(ImagesBenchmark).Assembly.Location, "service", path, atOnce),
                    new Maker("sharp", "node", SharpProgram, Sharp, path, atOnce)));
            }
            foreach (var (_, service, other) in pairs)
            {
                Compare(await service.StartAsync(), await other.StartAsync());
                await service.WorkAsync(WarmUp);
                await other.WorkAsync(WarmUp);
            }
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (_, service, other) in pairs)
                {
                    // Alternates which of the two finds the processor warm.
                    foreach (var maker in round % 2 == 0 ? (Maker[])[service, other] : [other, service])
                        maker.Results.Add(await maker.WorkAsync(length));
                }
            }
            Report(pairs, photo, rounds, length);
            return [.. pairs.Select(p => Figure.Of($"images/s, {p.AtOnce} at once", p.Service.Results.Select(r => r.PerSecond), "sharp",
                p.Sharp.Results.Select(r => r.PerSecond)))];
        }
        finally
        {
            foreach (var (_, service, other) in pairs)
            {
                service.Dispose();
                other.Dispose();
            }
            Directory.Delete(directory, recursive: true);
        }
    }

    static void Report(List<(int AtOnce, Maker Service, Maker Sharp)> pairs, byte[] photo, int rounds, TimeSpan length)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"A JPEG of {Describe(photo)}: medians of {rounds} rounds of {length.TotalSeconds} s, " +
            $"{Environment.ProcessorCount} processors"));
        foreach (var maker in (Maker[])[pairs[0].Service, pairs[0].Sharp])
            Console.WriteLine($"- {maker.Name} makes {string.Join(", ", maker.Made.Select(Describe))}");
        Console.WriteLine();
        Console.WriteLine("| at once | | images/s | CPU ms each | peak memory, MB |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var (atOnce, service, sharp) in pairs)
        {
            foreach (var maker in (Maker[])[service, sharp])
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {atOnce} | {maker.Name} | {Figure.Median(maker.Results.Select(r => r.PerSecond)):F1} " +
                    $"| {Figure.Median(maker.Results.Select(r => r.Milliseconds)):F1} | {string.Join(" + ", maker.Peaks)} |"));
            }
        }
        Console.WriteLine("\nThe memory is that of each process at its highest: of the service first its own, then its workers'.\n");
    }

    // Only equal work can be compared. The whole image may be a little smaller: ImagePipeline uses the decoder's cheap downscaling.
    static void Compare(IReadOnlyList<byte[]> one, IReadOnlyList<byte[]> other)
    {
        var (squares, others) = (one.Skip(1).Select(Size), other.Skip(1).Select(Size));
        var (whole, otherWhole) = (Size(one[0]), Size(other[0]));
        if (!squares.SequenceEqual(others) || Math.Abs(whole.Width - otherWhole.Width) > otherWhole.Width / 16)
            throw new InvalidOperationException(
                $"They make different images: {string.Join(", ", one.Select(Describe))} and {string.Join(", ", other.Select(Describe))}.");
    }

    static string Describe(byte[] jpeg) =>
        string.Create(CultureInfo.InvariantCulture, $"{Size(jpeg).Width} x {Size(jpeg).Height} ({jpeg.Length / 1000.0:F0} kB)");

    static (int Width, int Height) Size(byte[] jpeg)
    {
        using var image = Image.JpegloadBuffer(jpeg);
        return (image.Width, image.Height);
    }

    readonly record struct Result(double PerSecond, double Milliseconds);

    /// <summary>A process that makes images on demand, with all its child processes.</summary>
    sealed class Maker : IDisposable
    {
        readonly Process process;

        public Maker(string name, string program, params string[] arguments)
        {
            Name = name;
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
            process = Process.Start(start)!;
            // Ends the child process with the benchmark.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
        }

        public string Name { get; }

        /// <summary>The whole image, then its squares, largest first.</summary>
        public IReadOnlyList<byte[]> Made { get; private set; } = [];

        public List<Result> Results { get; } = [];

        /// <summary>The peak memory of each of its processes, in megabytes.</summary>
        public IReadOnlyList<long> Peaks { get; private set; } = [];

        public async Task<IReadOnlyList<byte[]>> StartAsync() => Made = await AnswerAsync<byte[][]>();

        public async Task<Result> WorkAsync(TimeSpan length)
        {
            var before = Cpu();
            await process.StandardInput.WriteLineAsync(length.TotalSeconds.ToString(CultureInfo.InvariantCulture));
            await process.StandardInput.FlushAsync();
            var round = await AnswerAsync<Round>();
            // A replaced worker takes its peak along: keeps the highest of each position.
            var peaks = Processes.Of(process.Id).Select((p, i) => (Order: i == 0 ? long.MaxValue : p.PeakMemory, p.PeakMemory))
                .OrderByDescending(p => p.Order).Select(p => p.PeakMemory / 1_000_000).ToArray();
            Peaks = [.. peaks.Select((peak, i) => i < Peaks.Count ? Math.Max(peak, Peaks[i]) : peak)];
            return new(round.Images / round.Seconds, (Cpu() - before).TotalMilliseconds / round.Images);
        }

        public void Dispose() => End();

        void End()
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }

        async Task<T> AnswerAsync<T>() => await process.StandardOutput.ReadLineAsync() is { } line
            ? JsonSerializer.Deserialize<T>(line, JsonSerializerOptions.Web)! : throw new InvalidOperationException($"{Name} ended.");

        TimeSpan Cpu() => Processes.Of(process.Id).Aggregate(TimeSpan.Zero, (sum, p) => sum + p.Cpu);
    }
}
