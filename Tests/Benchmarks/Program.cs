using System.Globalization;

namespace Profiles.Benchmarks;

static class Program
{
    static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["reads", .. var options]:
                await ReadsBenchmark.RunAsync(options);
                return 0;
            case ["bare", .. var options]:
                await BareServer.RunAsync(options);
                return 0;
            case ["images", .. var options]:
                await ImagesBenchmark.RunAsync(options);
                return 0;
            case ["service", var path, var atOnce]:
                await ServiceImages.RunAsync(path, int.Parse(atOnce, CultureInfo.InvariantCulture));
                return 0;
            default:
                await Console.Error.WriteLineAsync("""
                    reads [<rounds> [<seconds>]]    GET /me of the service beside a bare minimal API, on SQLite and on PostgreSQL
                    images [<rounds> [<seconds>]]   a photo of 12 megapixels through the service's workers beside sharp
                    """);
                return 1;
        }
    }
}
