using System.Diagnostics;
using System.Net.Sockets;
using Profiles.Tests;

namespace Profiles.Benchmarks;

/// <summary>A server in a process of its own, which answers <c>/health/ready</c> with 200 once it serves.</summary>
sealed class Server : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Process process;

    Server(string name, string directory, IReadOnlyDictionary<string, string> settings, string[] command)
    {
        (Name, Port) = (name, FreePort.Take());
        Directory.CreateDirectory(directory);
        // Sends the log to where writing costs nothing; "exec" keeps the shell's process id.
        process = new()
        {
            StartInfo = new("sh", ["-c", "exec \"$@\" >/dev/null", "sh", .. command])
            {
                WorkingDirectory = directory,
                Environment = { ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{Port}", ["PORT"] = $"{Port}" },
            },
        };
        process.StartInfo.Environment.Remove("CLOUDINARY_URL");
        foreach (var (key, value) in settings)
            process.StartInfo.Environment[key] = value;
    }

    public string Name { get; }

    public int Port { get; }

    public int ProcessId => process.Id;

    /// <summary>From its start to the first 200.</summary>
    public TimeSpan StartTime { get; private set; }

    public List<LoadRound> Rounds { get; } = [];

    public static Server Start(string name, string directory, IReadOnlyDictionary<string, string> settings, params string[] command)
    {
        var server = new Server(name, directory, settings, command);
        // Ends the child process with the benchmark.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.End();
        var start = Stopwatch.GetTimestamp();
        server.process.Start();
        while (!server.IsReady())
        {
            if (server.process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
            {
                server.Dispose();
                throw new InvalidOperationException($"{name} did not start.");
            }
            Thread.Sleep(2);
        }
        server.StartTime = Stopwatch.GetElapsedTime(start);
        return server;
    }

    /// <summary>The processor time of the process and of its descendants.</summary>
    public (TimeSpan Own, TimeSpan Workers) Cpu()
    {
        var processes = Processes.Of(process.Id);
        return (processes[0].Cpu, processes.Skip(1).Aggregate(TimeSpan.Zero, (sum, p) => sum + p.Cpu));
    }

    /// <summary>The resident memory of the process and of its descendants, in bytes.</summary>
    public long Memory() => Processes.Of(process.Id).Sum(p => p.Memory);

    public void Dispose()
    {
        End();
        process.WaitForExit();
    }

    void End()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
    }

    bool IsReady()
    {
        try
        {
            using var connection = new Connection(Port);
            return connection.Send("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"u8) == 200;
        }
        catch (SocketException)
        {
            // Not listening yet.
            return false;
        }
    }
}
