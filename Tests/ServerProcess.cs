using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Profiles.Tests;

/// <summary>Runs the service as its users do: in a process of its own, on a free loopback port, in an empty directory.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    // Ten servers may start at once on a busy machine.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // A test that fails half-way may leave servers running.
    static readonly ConcurrentDictionary<ServerProcess, bool> Running = [];

    readonly Process process;
    readonly bool isCommand;
    readonly StringBuilder output = new(), errors = new();

    static ServerProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var server in Running.Keys)
            server.process.Kill();
    };

    ServerProcess(IReadOnlyDictionary<string, string> settings, Func<ServerProcess, string?> database, params string[] arguments)
    {
        isCommand = arguments.Length > 0;
        Directory = TemporaryDirectory.Make("process");
        Address = Uri.TryCreate(settings.GetValueOrDefault("ASPNETCORE_URLS"), UriKind.Absolute, out var named) &&
            named.Scheme == Uri.UriSchemeHttp ? named : new($"http://127.0.0.1:{FreePort.Take()}");
        // No server lives long enough to profit from tiered PGO and immediate recompilation, which cost a quarter of its processor time.
        var start = new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location, .. arguments])
        {
            WorkingDirectory = Directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = Address.ToString(),
                ["PublicBaseUrl"] = Address.ToString(),
                ["Passwords__WorkFactor"] = "10",
                ["Limits__Enabled"] = "false",
                // On a busy machine many first connections at once take longer than a fifth of the default, which is answered 503.
                ["Database__Timeout"] = "00:00:25",
                ["ASPNETCORE_ENVIRONMENT"] = "Production",
                ["DOTNET_TieredPGO"] = "0",
                ["DOTNET_TC_CallCountingDelayMs"] = "1000",
            },
        };
        start.Environment.Remove("CLOUDINARY_URL");
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        if (database(this) is { } connectionString)
            start.Environment["ConnectionStrings__Profiles"] = connectionString;
        process = new() { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.Start();
        Running[this] = true;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var answers = new DocumentedAnswers { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false } };
        Client = new(answers) { BaseAddress = Address };
    }

    /// <summary>Its working directory; empty at the start.</summary>
    public string Directory { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public int ProcessId => process.Id;

    public bool HasExited => process.HasExited;

    /// <summary>
    /// Its output so far, of both streams, whose lines arrive in no common order: a server's errors come last, and a command's result.
    /// </summary>
    public string Output
    {
        get
        {
            lock (output)
                return isCommand ? $"{errors}{output}" : $"{output}{errors}";
        }
    }

    /// <summary>Starts it and waits until it has its database: on a busy machine the first attempt may fail.</summary>
    public static async Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings)
    {
        var server = await StartWithoutDatabaseAsync(settings);
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < Patience)
        {
            using var ready = JsonDocument.Parse(await (await server.Client.GetAsync("/health/ready")).Content.ReadAsStringAsync());
            if (ready.RootElement.GetProperty("checks").GetProperty("database").GetString() == "ok")
                return server;
            await Task.Delay(100);
        }
        var said = server.Output;
        await server.DisposeAsync();
        throw new InvalidOperationException($"The service did not find its database:\n{said}");
    }

    /// <summary>Starts it and waits until it listens, with or without its database.</summary>
    public static async Task<ServerProcess> StartWithoutDatabaseAsync(params (string Name, string Value)[] settings)
    {
        var server = Begin(settings);
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < Patience && !server.process.HasExited)
        {
            try
            {
                if ((await server.Client.GetAsync("/health/live")).StatusCode == HttpStatusCode.OK)
                    return server;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(50);
        }
        var said = server.Output;
        await server.DisposeAsync();
        throw new InvalidOperationException($"The service did not start:\n{said}");
    }

    /// <summary>Starts it without waiting.</summary>
    public static ServerProcess Begin(params (string Name, string Value)[] settings)
    {
        var named = settings.ToDictionary(s => s.Name, s => s.Value);
        return new(named, server => named.ContainsKey("ConnectionStrings__Profiles")
            ? null : TestDatabase.For(named.GetValueOrDefault("DataDirectory") ?? server.Directory));
    }

    /// <summary>Ends it with SIGKILL.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>Runs <c>Profiles check</c>; returns the exit code and the output.</summary>
    public static async Task<(int ExitCode, string Output)> CheckAsync(params (string Name, string Value)[] settings)
    {
        var (exitCode, output) = await CommandAsync(["check"], settings);
        // On a busy machine it takes seconds, and says how far it is.
        return (exitCode, Regex.Replace(output, @"^[a-z ]+ \d+ of \d+\n", "", RegexOptions.Multiline));
    }

    /// <summary>Runs a command of the operator; returns the exit code and the output of both streams.</summary>
    public static async Task<(int ExitCode, string Output)> CommandAsync(string[] command, params (string Name, string Value)[] settings)
    {
        await using var run = Begin(settings.ToDictionary(s => s.Name, s => s.Value), command);
        return (await run.EndedAsync(), run.Output);
    }

    /// <summary>Starts a command of the operator without waiting.</summary>
    public static ServerProcess Begin(IReadOnlyDictionary<string, string> settings, params string[] arguments) =>
        new(settings, _ => settings.ContainsKey("ConnectionStrings__Profiles")
            ? null : TestDatabase.For(settings["DataDirectory"]), arguments);

    /// <summary>Waits until it has ended; returns the exit code.</summary>
    public async Task<int> EndedAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    /// <summary>
    /// Starts it with settings that it must refuse, on SQLite unless they name another database; returns the exit code and the output.
    /// </summary>
    public static async Task<(int ExitCode, string Output)> RefuseAsync(params (string Name, string Value)[] settings)
    {
        await using var server = new ServerProcess(settings.ToDictionary(s => s.Name, s => s.Value), _ => null);
        return (await server.EndedAsync(), server.Output);
    }

    public async ValueTask DisposeAsync()
    {
        if (!Running.ContainsKey(this))
            return;
        Client.Dispose();
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        Running.Remove(this, out _);
        process.Dispose();
    }

    void Keep(StringBuilder lines, string? line)
    {
        if (line is null)
            return;
        lock (output)
            lines.AppendLine(line);
    }
}
