using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Profiles.Benchmarks;

/// <summary>A temporary directory, and the servers that run in it until the benchmark ends.</summary>
sealed class Bench : IDisposable
{
    readonly List<Server> servers = [];

    /// <summary>
    /// The builds of the service to measure: the one beside the benchmarks, or those in the directories that <c>PROFILES_BENCH_SERVICE</c>
    /// names, separated by colons, which run in turn.
    /// </summary>
    public static IReadOnlyList<(string Name, string Program)> Services { get; } =
        Environment.GetEnvironmentVariable("PROFILES_BENCH_SERVICE") is { Length: > 0 } directories
            ? [.. directories.Split(':').Select(d => ($"service {Path.GetFileName(Path.TrimEndingDirectorySeparator(d))}", Program(d)))]
            : [("service", Program(AppContext.BaseDirectory))];

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("profiles-bench-").FullName;

    /// <summary>The key of all tokens.</summary>
    public string SigningKey { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(32));

    /// <summary>The settings of the servers that are started from now on.</summary>
    public Dictionary<string, string> Settings { get; } = new()
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["PublicBaseUrl"] = "https://profiles.example.com",
        ["Limits__Enabled"] = "false",
    };

    /// <summary>Starts every build of the service, fills the database that they have made, and starts the bare server on it.</summary>
    public async Task<(IReadOnlyList<Server> Services, Server Bare)> StartAllAsync(string database, string connectionString)
    {
        var services = Services.Select(s => StartService($"{database}, {s.Name}", s.Program, connectionString)).ToList();
        await Accounts.FillAsync(connectionString);
        return (services, StartBare($"{database}, bare", connectionString));
    }

    public Server StartService(string name, string program, string connectionString, string? directory = null) =>
        Start(name, connectionString, directory, "dotnet", program);

    public Server StartBare(string name, string connectionString, string? directory = null) =>
        Start(name, connectionString, directory, "dotnet", typeof(Bench).Assembly.Location, "bare");

    public Server Start(string name, string connectionString, string? directory, params string[] command)
    {
        Dictionary<string, string> settings = new(Settings)
        {
            ["Jwt__SigningKey"] = SigningKey,
            ["ConnectionStrings__Profiles"] = connectionString,
        };
        var server = Server.Start(name, directory ?? Path.Combine(Directory, $"{servers.Count}"), settings, command);
        servers.Add(server);
        return server;
    }

    public string SqliteFile(string name = "profiles.db") => $"Data Source={Path.Combine(Directory, name)}";

    public void Dispose()
    {
        servers.ForEach(s => s.Dispose());
        SqliteConnection.ClearAllPools();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    static string Program(string directory) => Path.GetFullPath(Path.Combine(directory, "Profiles.dll"));
}
