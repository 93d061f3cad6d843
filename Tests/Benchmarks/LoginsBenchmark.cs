using System.Diagnostics;
using System.Globalization;

namespace Profiles.Benchmarks;

/// <summary>
/// Measures log-ins beside what bcrypt allows on all processors, and <c>GET /me</c> while many log in beside <see cref="BareServer"/>, on
/// SQLite, at work factor 10, without limits.
/// </summary>
static class LoginsBenchmark
{
    const int LoginsAtOnce = 8, Readers = 16, WarmUpLogins = 200;

    public static async Task<IReadOnlyList<Figure>> RunAsync(int rounds, TimeSpan length)
    {
        using var bench = new Bench { Settings = { ["Passwords__WorkFactor"] = $"{Accounts.WorkFactor}" } };
        var (services, bare) = await bench.StartAllAsync("SQLite", bench.SqliteFile());
        Server[] servers = [.. services, bare];
        var gets = Accounts.Tokens(bench.SigningKey).Select(Requests.Get).ToArray();
        ReadOnlyMemory<byte> Get(int _) => gets[Random.Shared.Next(1, gets.Length)];
        ReadOnlyMemory<byte> Login(int _) => Requests.Login(Random.Shared.Next(1, Accounts.Count + 1));

        List<double> bound = [];
        var (logins, quiet, storm, stormLogins) = (Rounds(), Rounds(), Rounds(), Rounds());
        foreach (var server in servers)
        {
            RequestsBenchmark.WarmUpFor(server, LoginsAtOnce, WarmUpLogins, Login);
            RequestsBenchmark.WarmUpFor(server, Readers, RequestsBenchmark.WarmUpRequests, Get);
        }
        for (var round = 0; round < rounds; round++)
        {
            bound.Add(Bound(length));
            foreach (var server in servers)
            {
                logins[server].Add(Load.Run(server, LoginsAtOnce, length, Login));
                quiet[server].Add(Load.Run(server, Readers, length, Get));
                var background = Task.Run(() => Load.Run(server, LoginsAtOnce, length, Login));
                storm[server].Add(Load.Run(server, Readers, length, Get));
                stormLogins[server].Add(await background);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"POST /login by {LoginsAtOnce} at once, then GET /me by {Readers} without and with it: medians of {rounds} rounds of " +
            $"{length.TotalSeconds} s, {Environment.ProcessorCount} processors; BCrypt.Net alone makes {Figure.Median(bound):F1}/s\n"));
        Console.WriteLine($"{"",-30}{"log-ins/s",11}{"CPU ms",8}{"p50 ms",8}{"p99 ms",8}{"GET p99",9}{"in storm",10}" +
            $"{"GET/s",8}{"in storm",10}{"log-ins/s",11}{"p99 ms",8}");
        foreach (var s in servers)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{s.Name,-30}{Of(logins, r => r.PerSecond),11:F1}{Of(logins, r => r.Cpu / 1000),8:F1}{Of(logins, r => r.Median),8:F0}" +
                $"{Of(logins, r => r.P99),8:F0}{Of(quiet, r => r.P99),9:F2}{Of(storm, r => r.P99),10:F2}" +
                $"{Of(quiet, r => r.PerSecond),8:F0}{Of(storm, r => r.PerSecond),10:F0}{Of(stormLogins, r => r.PerSecond),11:F1}" +
                $"{Of(stormLogins, r => r.P99),8:F0}"));

            double Of(Dictionary<Server, List<LoadRound>> of, Func<LoadRound, double> value) => Figure.Median(of[s].Select(value));
        }
        Console.WriteLine();
        return [.. services.SelectMany(s => new[]
        {
            Figure.Of($"log-ins/s, {s.Name}", logins[s].Select(r => r.PerSecond), "bcrypt", bound),
            Figure.Of($"GET /me p99 ms, {s.Name}", quiet[s].Select(r => r.P99), "bare", quiet[bare].Select(r => r.P99)),
            Figure.Of($"GET /me p99 ms in a storm, {s.Name}", storm[s].Select(r => r.P99), "bare", storm[bare].Select(r => r.P99)),
            Figure.Of($"GET /me p99 ms in a storm, {s.Name}", storm[s].Select(r => r.P99), "quiet", quiet[s].Select(r => r.P99)),
        })];

        Dictionary<Server, List<LoadRound>> Rounds() => servers.ToDictionary(s => s, _ => new List<LoadRound>());
    }

    // Passwords per second that BCrypt.Net verifies in this process on all processors while nothing else runs. Where libcrypt is there, the
    // service hashes by it and may make more.
    static double Bound(TimeSpan length)
    {
        var hash = BCrypt.Net.BCrypt.HashPassword(Accounts.Password, Accounts.WorkFactor);
        var start = Stopwatch.GetTimestamp();
        return Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Factory.StartNew(
            () =>
            {
                var count = 0;
                while (Stopwatch.GetElapsedTime(start) < length)
                {
                    BCrypt.Net.BCrypt.Verify(Accounts.Password, hash);
                    count++;
                }
                return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).GetAwaiter().GetResult().Sum();
    }
}
