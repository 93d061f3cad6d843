using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;

namespace Profiles.Tests;

/// <summary>Starts the program with settings that it must refuse, in the test process: a process of its own costs seconds.</summary>
static class Refusal
{
    // An invalid address, which is checked right after the settings: a start that passes them neither serves nor touches shared state.
    const string Nowhere = "ftp://nowhere";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    static readonly AsyncLocal<StringBuilder?> Captured = new();

    static Refusal()
    {
        Console.SetOut(new FlowWriter(Console.Out));
        Console.SetError(new FlowWriter(Console.Error));
    }

    /// <summary>Starts it with settings that it must refuse, in Production on SQLite; returns the exit code and the output.</summary>
    public static async Task<(int ExitCode, string Output)> OfAsync(params (string Name, string Value)[] settings)
    {
        var refused = await InProcessAsync(settings);
        if (settings.Any(s => s.Name == "ASPNETCORE_URLS") ||
            !refused.Output.StartsWith("Profiles cannot start: ASPNETCORE_URLS ", StringComparison.Ordinal))
            return refused;
        // The settings are valid: a later step has to refuse them. The address is the last step, so that the start ends in any case.
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        return await ServerProcess.RefuseAsync([.. settings, ("ASPNETCORE_URLS", $"http://{taken.LocalEndpoint}")]);
    }

    /// <summary>As <see cref="OfAsync"/>, up to the validation of the settings.</summary>
    public static async Task<(int ExitCode, string Output)> InProcessAsync(params (string Name, string Value)[] settings)
    {
        var named = new Dictionary<string, string?>
        {
            ["contentRoot"] = TemporaryDirectory.Make("refused"),
            ["environment"] = "Production",
            ["urls"] = Nowhere,
            ["PublicBaseUrl"] = ProfilesFixture.BaseUrl,
            ["Passwords:WorkFactor"] = "10",
        };
        foreach (var (name, value) in settings)
            named[name.Replace("ASPNETCORE_URLS", "urls").Replace("ASPNETCORE_ENVIRONMENT", "environment").Replace("__", ":")] = value;
        string[] arguments = [.. named.Where(s => s.Value is not null).Select(s => $"--{s.Key}={s.Value}")];
        var output = new StringBuilder();
        var exitCode = await Task.Run(() =>
        {
            Captured.Value = output;
            return (int)typeof(Program).Assembly.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!;
        }).WaitAsync(Patience);
        lock (output)
            return (exitCode, output.ToString());
    }

    // The async flow reaches the log's thread too.
    sealed class FlowWriter(TextWriter others) : TextWriter
    {
        public override Encoding Encoding => others.Encoding;

        public override void Write(char value) => Write([value]);

        public override void Write(string? value) => Write(value.AsSpan());

        public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

        public override void Write(ReadOnlySpan<char> buffer)
        {
            if (Captured.Value is not { } output)
            {
                others.Write(buffer);
                return;
            }
            lock (output)
                output.Append(buffer);
        }

        public override void Flush() => others.Flush();
    }
}
