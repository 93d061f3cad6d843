using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;

namespace Profiles.Tests;

/// <summary>Starts that must be refused. The program runs in the test process: one of its own costs seconds.</summary>
static class Refusal
{
    // No address, which a start finds right after the settings: what they let pass neither serves nor touches what services in one process
    // share.
    const string Nowhere = "ftp://nowhere";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    static readonly AsyncLocal<StringBuilder?> Captured = new();

    static Refusal()
    {
        Console.SetOut(new FlowWriter(Console.Out));
        Console.SetError(new FlowWriter(Console.Error));
    }

    /// <summary>
    /// Starts it with settings that it must refuse, in Production on the embedded database: the exit code and what it said.
    /// </summary>
    public static async Task<(int ExitCode, string Output)> OfAsync(params (string Name, string Value)[] settings)
    {
        var refused = await InProcessAsync(settings);
        if (settings.Any(s => s.Name == "ASPNETCORE_URLS") ||
            !refused.Output.StartsWith("Profiles cannot start: ASPNETCORE_URLS ", StringComparison.Ordinal))
            return refused;
        // The settings are sound: a later step has to refuse them. The last of all is the address, so that it ends in any case.
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        return await ServerProcess.RefuseAsync([.. settings, ("ASPNETCORE_URLS", $"http://{taken.LocalEndpoint}")]);
    }

    /// <summary>As <see cref="OfAsync"/>, as far as the settings go.</summary>
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

    // The log has a thread of its own, which the flow reaches too.
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
