using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Profiles.Tests;

namespace Profiles.Benchmarks;

/// <summary>
/// Measures <c>GET /me</c> or <c>PUT /me</c> of the service and of <see cref="BareServer"/>, each in a process of its own, on both
/// databases, alternately, so that other load meets all of them. Requests per second depend on the load generator, which shares the
/// processors; the server's processor time is the figure to trust.
/// </summary>
static partial class RequestsBenchmark
{
    const int Readers = 16, Writers = 32;

    // The runtime recompiles hot code in several steps, by number of calls and by time: the warm-up lasts for both, on a busy machine too.
    public const int WarmUpRequests = 20_000;
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4), LongestWarmUp = TimeSpan.FromSeconds(30);

    public static Task<IReadOnlyList<Figure>> ReadsAsync(int rounds, TimeSpan length) =>
        RunAsync("GET /me", Readers, rounds, length, key =>
        {
            var requests = Accounts.Tokens(key).Select(Requests.Get).ToArray();
            return _ => requests[Random.Shared.Next(1, requests.Length)];
        });

    /// <summary>Each connection changes the name of a user of its own.</summary>
    public static Task<IReadOnlyList<Figure>> WritesAsync(int rounds, TimeSpan length) =>
        RunAsync("PUT /me", Writers, rounds, length, key =>
        {
            var (tokens, count) = (Accounts.Tokens(key), 0);
            return index => Requests.Put(tokens[index + 1], $"John Doe {Interlocked.Increment(ref count)}");
        });

    public static void WarmUpFor(Server server, int connections, int requests, Func<int, ReadOnlyMemory<byte>> next)
    {
        var sent = 0.0;
        for (var i = 0; i < LongestWarmUp / WarmUp && sent < requests; i++)
            sent += Load.Run(server, connections, WarmUp, next).PerSecond * WarmUp.TotalSeconds;
    }

    static async Task<IReadOnlyList<Figure>> RunAsync(
        string request, int connections, int rounds, TimeSpan length, Func<string, Func<int, ReadOnlyMemory<byte>>> requests)
    {
        // The tests' cluster does not flush; a commit is measured here.
        await using var cluster = await PostgreSqlCluster.StartAsync("fsync=on");
        using var bench = new Bench();
        var groups = new List<(string Database, IReadOnlyList<Server> Services, Server Bare)>();
        foreach (var (database, connectionString) in new[]
            { ("SQLite", bench.SqliteFile()), ("PostgreSQL", cluster.CreateDatabase("bench")) })
        {
            var (services, bare) = await bench.StartAllAsync(database, connectionString);
            groups.Add((database, services, bare));
        }
        var (servers, next) = (groups.SelectMany(g => g.Services.Append(g.Bare)).ToList(), requests(bench.SigningKey));
        Compare(servers, bench.SigningKey);
        foreach (var server in servers)
            WarmUpFor(server, connections, WarmUpRequests, next);
        for (var round = 0; round < rounds; round++)
            servers.ForEach(s => s.Rounds.Add(Load.Run(s, connections, length, next)));

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{request}: medians of {rounds} rounds of {length.TotalSeconds} s, {connections} connections, {Accounts.Count} users, " +
            $"{Environment.ProcessorCount} processors\n"));
        Console.WriteLine($"{"",-30}{"requests/s",12}{"CPU us/request",16}{"lowest",10}{"highest",10}{"p50 ms",10}{"p99 ms",10}");
        foreach (var server in servers)
        {
            var cpu = server.Rounds.Select(r => r.Cpu).Order().ToArray();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{server.Name,-30}{Figure.Median(server.Rounds.Select(r => r.PerSecond)),12:F0}{Figure.Median(cpu),16:F1}{cpu[0],10:F1}" +
                $"{cpu[^1],10:F1}{Figure.Median(server.Rounds.Select(r => r.Median)),10:F2}" +
                $"{Figure.Median(server.Rounds.Select(r => r.P99)),10:F2}"));
        }
        Console.WriteLine();
        return [.. groups.SelectMany(g => g.Services.SelectMany(service => Figure.Of($"{request}, {service.Name}", service, "bare", g.Bare,
            ("requests/s", r => r.PerSecond), ("CPU µs each", r => r.Cpu), ("p99 ms", r => r.P99))))];
    }

    // Only equal answers can be compared. A tag's digits may differ, its length may not.
    static void Compare(List<Server> servers, string signingKey)
    {
        var token = Accounts.Tokens(signingKey)[2];
        var answers = servers.Select(s => Describe(s, Requests.Put(token, "Jane Doe")) + Describe(s, Requests.Get(token))).ToArray();
        if (answers.Distinct().Count() != 1)
            throw new InvalidOperationException($"The servers answer differently:\n{string.Join('\n', answers)}");
    }

    static string Describe(Server server, byte[] request)
    {
        using var connection = new Connection(server.Port);
        connection.Send(request);
        var lines = Encoding.UTF8.GetString(connection.Answer).Split("\r\n");
        return string.Join('\n', lines.Where(l => l.StartsWith('{') || Compared().IsMatch(l)).Select(l => Tag().Replace(l, "\"tag\"")));
    }

    [GeneratedRegex("^(HTTP/1.1|ETag:|Cache-Control:|Content-Type:)")]
    private static partial Regex Compared();

    [GeneratedRegex("\"[0-9a-f]{32}\"")]
    private static partial Regex Tag();
}
