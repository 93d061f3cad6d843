using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Decoding;
using Profiles.Infrastructure.Decoding.Worker.Protocol;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Benchmarks;

/// <summary>
/// The service's part of <see cref="ImagesBenchmark"/>, in a process of its own with the protocol of <c>sharp.mjs</c>: an upload buffer,
/// the pool, its workers.
/// </summary>
static class ServiceImages
{
    public static async Task RunAsync(string path, int atOnce)
    {
        var photo = await File.ReadAllBytesAsync(path);
        var options = Options.Create(new DecodingOptions { Workers = atOnce });
        var memory = new UploadMemory(options);
        await using var services = new ServiceCollection().AddMetrics().AddTelemetry().BuildServiceProvider();
        using var pool = new DecodePool(
            options, memory, services.GetRequiredService<ServiceMetrics>(), NullLogger<DecodePool>.Instance);
        await pool.StartAsync();

        var made = await MakeAsync();
        Say(made.Variants.Append(made.Jpeg).Reverse());
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var length = TimeSpan.FromSeconds(double.Parse(line, CultureInfo.InvariantCulture));
            var (images, start) = (0, Stopwatch.GetTimestamp());
            await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
            {
                while (Stopwatch.GetElapsedTime(start) < length)
                {
                    await MakeAsync();
                    Interlocked.Increment(ref images);
                }
            })));
            Say(new Round(images, Stopwatch.GetElapsedTime(start).TotalSeconds));
        }

        async Task<ProcessedImage> MakeAsync()
        {
            using var body = new MemoryStream(photo, writable: false);
            using var upload = new UploadBuffer(memory);
            while (await upload.ReadAsync(body, CancellationToken.None))
            {
            }
            return await pool.ProcessAsync(upload, CancellationToken.None);
        }
    }

    static void Say<T>(T answer) => Console.WriteLine(JsonSerializer.Serialize(answer, JsonSerializerOptions.Web));
}

/// <summary>The result of one round.</summary>
sealed record Round(int Images, double Seconds);
