using System.Diagnostics;
using System.Text;
using FastEndpoints;
using Npgsql;
using Profiles.Infrastructure.Cleanup;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Startup;
using Profiles.Tests;

namespace Profiles.Benchmarks;

/// <summary>What something took, in microseconds.</summary>
/// <param name="Time">What a client waits for.</param>
/// <param name="Cpu">The processor time of the service and of PostgreSQL; null where it was not measured.</param>
readonly record struct Cost(double Time, double? Cpu);

/// <summary>A request that is measured.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Count">How often it is sent in a round.</param>
/// <param name="Status">The status that it must be answered with.</param>
/// <param name="Make">Makes it for a user.</param>
/// <param name="IsAdmin">Whether it goes to the admin API's port.</param>
sealed record Request(string Name, int Count, int Status, Func<Subject, int, byte[]> Make, bool IsAdmin = false);

/// <summary>A database of a size, the service on it, and what was measured there.</summary>
sealed class Subject(Bench bench, PostgreSqlCluster? cluster, string engine, int size, string connectionString, GrowthData data)
{
    public const string Backup = "backup, for each user";

    const string HashingThread = "Hashing";

    static readonly TimeSpan CheckPatience = TimeSpan.FromMinutes(10);

    readonly byte[] signingKey = Encoding.ASCII.GetBytes(bench.SigningKey);
    readonly string directory = Path.Combine(bench.Directory, $"{engine}-{size}");
    readonly Lazy<CleanupService> cleaner = new(
        () => Cleaner(bench, Path.Combine(bench.Directory, $"{engine}-{size}"), connectionString));
    readonly int adminPort = FreePort.Take();
    Server? server;
    string? adminKey, commands;

    public string Engine => engine;

    public int Size => size;

    public Dictionary<string, List<Cost>> Costs { get; } = [];

    bool IsSqlite => engine == "SQLite";

    string Commands => commands ??= Run("--help");

    string File => Path.Combine(bench.Directory, $"{size}.db");

    public string Token(int user) => Accounts.Token(signingKey, user);

    /// <summary>Whether this build of the service has an admin API.</summary>
    public bool HasAdmin => Commands.Contains("\n  admin-keys ", StringComparison.Ordinal);

    /// <summary>Whether this build of the service can back up.</summary>
    public bool HasBackup => Commands.Contains("\n  backup ", StringComparison.Ordinal);

    /// <summary>Starts the service, and waits until it has checked its file.</summary>
    public void Start()
    {
        Launch();
        AwaitCheck();
    }

    void Launch()
    {
        Directory.CreateDirectory(directory);
        if (HasAdmin)
        {
            adminKey ??= Run("admin-keys", "create", "bench", "--scope", "users:read").TrimEnd();
            bench.Settings["Admin__Port"] = $"{adminPort}";
        }
        server = bench.StartService($"{engine}, {size} users", Bench.Services[0].Program, connectionString, directory);
        bench.Settings.Remove("Admin__Port");
    }

    public void Stop() => server!.Dispose();

    /// <summary>Keeps what a round that is no warm-up has measured.</summary>
    public void Keep(string name, int round, Cost cost)
    {
        if (round < 0)
            return;
        if (!Costs.TryGetValue(name, out var costs))
            Costs[name] = costs = [];
        costs.Add(cost);
    }

    /// <summary>A request to the admin API's users.</summary>
    public byte[] Admin(string query) => Requests.Get($"/admin/users{query}", adminKey!);

    /// <summary>Sends the requests one after the other. The time of hashing is subtracted, as its threads have used it.</summary>
    public Cost Ask(Request request)
    {
        using var connection = new Connection(request.IsAdmin ? adminPort : server!.Port);
        var times = new double[request.Count];
        var (before, hashedBefore) = Cpu();
        for (var i = 0; i < times.Length; i++)
        {
            var bytes = request.Make(this, Random.Shared.Next(1, size + 1));
            var sent = Stopwatch.GetTimestamp();
            if (connection.Send(bytes) is var answer && answer != request.Status)
                throw new InvalidOperationException($"{server!.Name} answered {answer} to {request.Name}.");
            times[i] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
        }
        var (after, hashedAfter) = Cpu();
        var hashing = (hashedAfter - hashedBefore) / times.Length;
        return new(Figure.Median(times) - hashing, ((after - before) / times.Length) - hashing);
    }

    /// <summary>Adds expired rows, and deletes them as the service does every hour.</summary>
    public async Task<Cost> CleanUpAsync(int round)
    {
        await data.AddExpiredAsync(size, round);
        // An hour later PostgreSQL's connection is another, which plans for what is expired. One that has run a statement five times plans
        // for any time, and then reads a table of some hundred thousand rows.
        NpgsqlConnection.ClearAllPools();
        var start = Stopwatch.GetTimestamp();
        if (await cleaner.Value.SweepAsync(TimeSpan.FromMinutes(10), CancellationToken.None))
            throw new InvalidOperationException("The cleanup has left something.");
        return new(Stopwatch.GetElapsedTime(start).TotalMicroseconds, null);
    }

    /// <summary>Starts the service once more on the database as it was left, from the start to the first answer.</summary>
    public Cost MeasureStart()
    {
        Launch();
        var cost = new Cost(server!.StartTime.TotalMicroseconds, Cpu().All);
        // Stopped before that, the next start would have to check the file first.
        AwaitCheck();
        Stop();
        return cost;
    }

    void AwaitCheck()
    {
        var start = Stopwatch.GetTimestamp();
        while (System.IO.File.Exists($"{File}.unchecked"))
        {
            if (Stopwatch.GetElapsedTime(start) > CheckPatience)
                throw new InvalidOperationException("The check of the database file does not end.");
            Thread.Sleep(20);
        }
    }

    /// <summary>The time of a backup, for each user.</summary>
    public Cost BackUp()
    {
        var archive = Path.Combine(bench.Directory, "backup");
        var start = Stopwatch.GetTimestamp();
        Run("backup", archive);
        var time = Stopwatch.GetElapsedTime(start);
        System.IO.File.Delete(archive);
        return new(time.TotalMicroseconds / size, null);
    }

    /// <summary>What the database takes on the disk.</summary>
    public long Bytes() => IsSqlite ? new FileInfo(File).Length : cluster!.Size($"users_{size}");

    (double All, double Hashing) Cpu()
    {
        var threads = Processes.Threads(server!.ProcessId).ToLookup(t => t.Name == HashingThread, t => t.Cpu.TotalMicroseconds);
        // A session of PostgreSQL is a process with one thread.
        var database = IsSqlite ? 0
            : Processes.Of(cluster!.ProcessId).Sum(p => Processes.Threads(p.Id).Sum(t => t.Cpu.TotalMicroseconds));
        return (threads[false].Sum() + threads[true].Sum() + database, threads[true].Sum());
    }

    string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Bench.Services[0].Program, .. arguments])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = directory,
        };
        foreach (var (name, value) in bench.Settings)
            start.Environment[name] = value;
        start.Environment["ConnectionStrings__Profiles"] = connectionString;
        start.Environment["Jwt__SigningKey"] = bench.SigningKey;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', arguments)}: {output}");
    }

    static CleanupService Cleaner(Bench bench, string directory, string connectionString)
    {
        var builder = WebApplication.CreateBuilder(
        [
            "--environment=Testing", "--PublicBaseUrl=https://profiles.example.com", $"--DataDirectory={directory}",
            $"--ConnectionStrings:Profiles={connectionString}", $"--Jwt:SigningKey={bench.SigningKey}",
        ]);
        builder.Logging.ClearProviders();
        builder.ConfigureServer();
        builder.Services.AddConcerns(builder.Configuration).AddFastEndpoints();
        return builder.Build().Services.GetRequiredService<CleanupService>();
    }
}
