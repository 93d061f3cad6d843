using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Npgsql;
using Profiles.Tests;

namespace Profiles.Benchmarks;

/// <summary>
/// Measures <c>GET /me</c> of the service and of <see cref="BareServer"/>, each in a process of its own, on both databases, alternately, so
/// that other load meets all of them. Requests per second depend on the load generator, which shares the processors; the server's processor
/// time is the figure to trust.
/// </summary>
static class ReadsBenchmark
{
    const int Users = 10_000, Connections = 16;

    // The runtime recompiles hot code in several steps, by number of calls and by time: the warm-up lasts for both, on a busy machine too.
    const int WarmUpRequests = 20_000;
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4), LongestWarmUp = TimeSpan.FromSeconds(30);

    public static Assembly Service { get; } = Assembly.Load("Profiles");

    public static async Task RunAsync(string[] options)
    {
        var rounds = options.Length > 0 ? int.Parse(options[0], CultureInfo.InvariantCulture) : 7;
        var length = TimeSpan.FromSeconds(options.Length > 1 ? double.Parse(options[1], CultureInfo.InvariantCulture) : 3);
        var directory = Directory.CreateTempSubdirectory("profiles-bench-").FullName;
        var signingKey = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var servers = new List<Server>();
        try
        {
            (string, string)[] databases =
                [("SQLite", $"Data Source={directory}/profiles.db"), ("PostgreSQL", cluster.CreateDatabase("bench"))];
            foreach (var (database, connectionString) in databases)
            {
                // The service makes the tables; both servers then read them.
                servers.Add(await Server.StartAsync($"{database}, service", [Service.Location], connectionString, signingKey, directory));
                await FillAsync(connectionString);
                servers.Add(await Server.StartAsync($"{database}, bare", [typeof(ReadsBenchmark).Assembly.Location, "bare"],
                    connectionString, signingKey, directory));
            }
            var tokens = Tokens(signingKey);
            await CompareAsync(servers, tokens[0]);
            foreach (var server in servers)
                await server.WarmUpAsync(tokens);
            for (var round = 0; round < rounds; round++)
            {
                foreach (var server in servers)
                    server.Rounds.Add(await server.LoadAsync(tokens, length));
            }
            Report(servers, rounds, length);
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
            SqliteConnection.ClearAllPools();
            Directory.Delete(directory, recursive: true);
        }
    }

    static void Report(List<Server> servers, int rounds, TimeSpan length)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"GET /me: medians of {rounds} rounds of {length.TotalSeconds} s, {Connections} connections, {Users} users, " +
            $"{Environment.ProcessorCount} processors\n"));
        Console.WriteLine($"{"",-22}{"requests/s",12}{"CPU us/request",16}{"lowest",10}{"highest",10}");
        foreach (var server in servers)
        {
            var cpu = server.Rounds.Select(r => r.MicrosecondsPerRequest).Order().ToArray();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{server.Name,-22}{Median(server.Rounds.Select(r => r.RequestsPerSecond)),12:F0}" +
                $"{Median(cpu),16:F1}{cpu[0],10:F1}{cpu[^1],10:F1}"));
        }
        Console.WriteLine();
        foreach (var (service, bare) in servers.Chunk(2).Select(pair => (pair[0], pair[1])))
        {
            // Compares neighbours in time, so that a slow moment meets both.
            var ratio = Median(service.Rounds.Zip(bare.Rounds, (s, b) => s.MicrosecondsPerRequest / b.MicrosecondsPerRequest));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{service.Name.Split(',')[0]}: {ratio:F2} times the processor time of the bare one"));
        }
    }

    static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    // Only equal answers can be compared.
    static async Task CompareAsync(List<Server> servers, AuthenticationHeaderValue token)
    {
        var answers = new List<string>();
        foreach (var server in servers)
            answers.Add(await server.DescribeAsync(token));
        if (answers.Distinct().Count() != 1)
            throw new InvalidOperationException($"The servers answer differently:\n{string.Join('\n', answers)}");
    }

    static async Task FillAsync(string connectionString)
    {
        var postgreSql = connectionString.StartsWith("Host=", StringComparison.Ordinal);
        var (numbers, time) = postgreSql
            ? ($"SELECT n FROM generate_series(1, {Users}) AS s(n)", "TIMESTAMPTZ '2026-01-01Z'")
            : ($"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {Users}) SELECT n FROM s",
                "'2026-01-01 00:00:00'");
        await using System.Data.Common.DbConnection connection = postgreSql
            ? new NpgsqlConnection($"{connectionString};Pooling=false") : new SqliteConnection(connectionString);
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        // Every second user has an image.
        command.CommandText = $"""
            INSERT INTO users (id, email, normalized_email, password_hash, created_at)
            SELECT n, 'user' || n || '@example.com', 'user' || n || '@example.com', '{new string('x', 60)}', {time}
            FROM ({numbers}) AS numbers;
            INSERT INTO user_profiles (user_id, name, image_key, image_url, version, updated_at)
            SELECT id, 'John Doe ' || id, NULL,
                CASE id % 2 WHEN 0 THEN '/static/profile/' || id || '.jpg?v=1ad304035c7f4d1e8a6b9c2d3e4f5061' END, 1, created_at
            FROM users;
            ANALYZE;
            """;
        await command.ExecuteNonQueryAsync();
    }

    // With the claims of the service's own tokens.
    static AuthenticationHeaderValue[] Tokens(string signingKey)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return [.. Enumerable.Range(1, Users).Select(id =>
        {
            var payload = JsonSerializer.SerializeToUtf8Bytes(new
            {
                user_id = id,
                sub = id.ToString(CultureInfo.InvariantCulture),
                jti = Guid.NewGuid().ToString("N"),
                iss = "profiles",
                aud = "profiles",
                iat = now,
                nbf = now,
                exp = now + 3600,
            });
            var signed = $"{Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(payload)}";
            var signature = HMACSHA256.HashData(Encoding.ASCII.GetBytes(signingKey), Encoding.ASCII.GetBytes(signed));
            return new AuthenticationHeaderValue("Bearer", $"{signed}.{Base64Url.EncodeToString(signature)}");
        })];
    }

    readonly record struct Round(double RequestsPerSecond, double MicrosecondsPerRequest);

    sealed class Server : IAsyncDisposable
    {
        static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        readonly Process process;
        readonly HttpClient client =
            new(new SocketsHttpHandler { MaxConnectionsPerServer = Connections, ActivityHeadersPropagator = null }) { Timeout = Patience };

        Server(string name, string[] program, string connectionString, string signingKey, string directory)
        {
            Name = name;
            // Sends the log to where writing costs nothing; "exec" keeps the shell's process id.
            process = new()
            {
                StartInfo = new("sh", ["-c", "exec dotnet \"$@\" >/dev/null", "dotnet", .. program])
                {
                    WorkingDirectory = directory,
                    Environment =
                    {
                        // Kestrel would report a port of its own choice in the log only.
                        ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{FreePort()}",
                        ["ASPNETCORE_ENVIRONMENT"] = "Production",
                        ["PublicBaseUrl"] = "https://profiles.example.com",
                        ["Jwt__SigningKey"] = signingKey,
                        ["ConnectionStrings__Profiles"] = connectionString,
                    },
                },
            };
            process.StartInfo.Environment.Remove("CLOUDINARY_URL");
            client.BaseAddress = new(process.StartInfo.Environment["ASPNETCORE_URLS"]!);
        }

        public string Name { get; }

        public List<Round> Rounds { get; } = [];

        public static async Task<Server> StartAsync(string name, string[] program, string connectionString,
            string signingKey, string directory)
        {
            var server = new Server(name, program, connectionString, signingKey, directory);
            server.process.Start();
            // Ends the child process with the benchmark.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => server.End();
            var deadline = Stopwatch.StartNew();
            while (deadline.Elapsed < Patience && !server.process.HasExited)
            {
                try
                {
                    // An invalid token: any answer shows that the server serves.
                    using var answer = await server.client.GetAsync("/me");
                    if (answer.StatusCode == HttpStatusCode.Unauthorized)
                        return server;
                }
                catch (HttpRequestException)
                {
                    // Not listening yet.
                }
                await Task.Delay(50);
            }
            await server.DisposeAsync();
            throw new InvalidOperationException($"{name} did not start.");
        }

        public async Task<string> DescribeAsync(AuthenticationHeaderValue token)
        {
            using var response = await SendAsync(token);
            return $"{response.Headers.ETag} {response.Headers.CacheControl} {response.Content.Headers.ContentType} " +
                await response.Content.ReadAsStringAsync();
        }

        public async Task WarmUpAsync(AuthenticationHeaderValue[] tokens)
        {
            var (start, requests) = (Stopwatch.GetTimestamp(), 0.0);
            while (requests < WarmUpRequests && Stopwatch.GetElapsedTime(start) < LongestWarmUp)
                requests += (await LoadAsync(tokens, WarmUp)).RequestsPerSecond * WarmUp.TotalSeconds;
        }

        /// <summary>Reads random users' profiles on all connections for this long.</summary>
        public async Task<Round> LoadAsync(AuthenticationHeaderValue[] tokens, TimeSpan length)
        {
            var requests = 0;
            var (cpu, start) = (Cpu(), Stopwatch.GetTimestamp());
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(async () =>
            {
                while (Stopwatch.GetElapsedTime(start) < length)
                {
                    using var response = await SendAsync(tokens[Random.Shared.Next(tokens.Length)]);
                    if (response.StatusCode != HttpStatusCode.OK)
                        throw new InvalidOperationException($"{Name} answered {(int)response.StatusCode}.");
                    Interlocked.Increment(ref requests);
                }
            })));
            return new(requests / Stopwatch.GetElapsedTime(start).TotalSeconds, (Cpu() - cpu).TotalMicroseconds / requests);
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            End();
            await process.WaitForExitAsync();
        }

        void End()
        {
            if (!process.HasExited)
                process.Kill();
        }

        async Task<HttpResponseMessage> SendAsync(AuthenticationHeaderValue token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = token } };
            return await client.SendAsync(request);
        }

        // utime and stime of /proc/<id>/stat, in hundredths of a second.
        TimeSpan Cpu()
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }

        static int FreePort()
        {
            using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
