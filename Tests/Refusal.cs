using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace Profiles.Tests;

/// <summary>Starts the program with settings that it must refuse, in the test process: a process of its own costs seconds.</summary>
static class Refusal
{
    // An invalid address, which is checked right after the settings: a start that passes them neither serves nor touches shared state.
    const string Nowhere = "ftp://nowhere";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

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
        return await CapturedConsole.OfAsync(() => Task.FromResult(
            (int)typeof(Program).Assembly.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)!))
            .WaitAsync(Patience);
    }
}
