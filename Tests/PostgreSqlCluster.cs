using System.Diagnostics;
using Npgsql;

namespace Profiles.Tests;

/// <summary>
/// A PostgreSQL server for the tests, in a temporary directory, on a free loopback port, as an unprivileged user. It can be stopped, frozen
/// and killed.
/// </summary>
public sealed class PostgreSqlCluster : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly string directory;
    readonly int port;
    readonly string[] settings;
    int version;
    Process? server;

    PostgreSqlCluster(string directory, string[] settings)
    {
        this.directory = directory;
        this.settings = settings;
        port = FreePort.Take();
    }

    /// <summary>The first process of the running server; a session is a child of it.</summary>
    public int ProcessId => server!.Id;

    /// <summary>Makes a cluster and starts it.</summary>
    /// <param name="settings">Such as <c>max_connections=20</c>.</param>
    public static async Task<PostgreSqlCluster> StartAsync(params string[] settings)
    {
        // ./dev chooses the place, and deletes it together with any server that a killed run left there.
        var parent = Environment.GetEnvironmentVariable("PROFILES_TEST_CLUSTERS") ?? Path.GetTempPath();
        var directory = Path.Combine(parent, $"profiles-postgres-{Guid.NewGuid():N}");
        await RunAsync("install", Environment.IsPrivilegedProcess
            ? ["-d", "-m", "700", "-o", "postgres", directory] : ["-d", "-m", "700", directory]);
        var cluster = new PostgreSqlCluster(directory, settings);
        var (file, arguments) = AsNobodyInParticular("initdb", "-D", directory, "-A", "trust", "-U", "profiles", "--no-sync",
            "--locale=C.UTF-8", "--encoding=UTF8");
        await RunAsync(file, arguments);
        await cluster.StartAgainAsync();
        return cluster;
    }

    /// <summary>A connection string for a database of this cluster.</summary>
    public string ConnectionString(string database = "postgres") => $"Host=127.0.0.1;Port={port};Username=profiles;Database={database}";

    /// <summary>Makes an empty database and returns its connection string.</summary>
    public string CreateDatabase(string? name = null)
    {
        name ??= $"test_{Guid.NewGuid():N}";
        // Collated by a language, as on most servers; before version 15 only the system's locales are available.
        var byLanguage = version >= 15 ? "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" : "";
        Execute($"CREATE DATABASE {name} TEMPLATE template0 {byLanguage}");
        return ConnectionString(name);
    }

    /// <summary>The bytes of a database on the disk.</summary>
    public long Size(string database)
    {
        using var connection = new NpgsqlConnection($"{ConnectionString(database)};Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand("SELECT pg_database_size(current_database())", connection);
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>Starts the stopped or killed server and waits until it accepts connections.</summary>
    public async Task StartAgainAsync()
    {
        var (file, arguments) = AsNobodyInParticular(
            "postgres", ["-D", directory, "-p", $"{port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c",
                "fsync=off", "-c", "max_connections=300", .. settings.SelectMany(s => new[] { "-c", s })]);
        server = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardError = true, WorkingDirectory = "/" })!;
        // Reads and drops the output: a full pipe would block the server.
        server.BeginErrorReadLine();
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                Execute("SELECT 1");
                return;
            }
            catch (NpgsqlException) when (deadline.Elapsed < Patience && !server.HasExited)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Stops it as an operator does: sessions are ended.</summary>
    public Task StopAsync() => EndAsync("INT");

    /// <summary>Kills it and its sessions with SIGKILL.</summary>
    public async Task KillAsync()
    {
        var processes = Processes();
        await RunAsync("kill", ["-KILL", .. processes]);
        await server!.WaitForExitAsync();
        server.Dispose();
        server = null;
    }

    /// <summary>Freezes the server and all of its sessions: connections stay open and get no answer.</summary>
    public Task FreezeAsync() => RunAsync("kill", ["-STOP", .. Processes()]);

    /// <summary>Resumes a frozen server.</summary>
    public Task ThawAsync() => RunAsync("kill", ["-CONT", .. Processes()]);

    /// <summary>Runs a statement in a session of its own.</summary>
    public void Execute(string sql, string database = "postgres")
    {
        using var connection = new NpgsqlConnection($"{ConnectionString(database)};Pooling=false;Timeout=5");
        connection.Open();
        version = connection.PostgreSqlVersion.Major;
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await ThawAsync();
            await EndAsync("QUIT");
        }
        await RunAsync("rm", ["-rf", directory]);
    }

    async Task EndAsync(string signal)
    {
        await RunAsync("kill", [$"-{signal}", $"{server!.Id}"]);
        await server.WaitForExitAsync();
        server.Dispose();
        server = null;
    }

    // The server and its children: a session is a process.
    string[] Processes()
    {
        var parent = $"{server!.Id}";
        var children = Directory.GetDirectories("/proc").Select(Path.GetFileName)
            .Where(id => int.TryParse(id, out _) && IsChild(id!, parent));
        return [parent, .. children!];
    }

    static bool IsChild(string id, string parent)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat").Split(") ", 2)[1].Split(' ')[1] == parent;
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return false;
        }
    }

    // PostgreSQL refuses to run as root.
    static (string File, string[] Arguments) AsNobodyInParticular(string program, params string[] arguments)
    {
        var installed = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var version) ? version : 0)
                .Select(d => Path.Combine(d, "bin", program)).FirstOrDefault(File.Exists)
            : null;
        var path = installed ?? throw new InvalidOperationException("PostgreSQL is not installed: ./dev test postgres installs it.");
        return Environment.IsPrivilegedProcess
            ? ("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments]) : (path, arguments);
    }

    static async Task RunAsync(string file, string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        // The process has already ended.
        if (process.ExitCode != 0 && file != "kill")
            throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: {await output}{error}");
    }
}
