using System.Diagnostics;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Profiles.Tests;

/// <summary>Checks the container image without a container engine.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
public sealed partial class ContainerTests
{
    static readonly string Dockerfile = Continuation().Replace(File.ReadAllText(Path.Combine(Repository(), "Dockerfile")), " ");

    [Fact]
    public void Every_file_that_the_image_copies_is_there()
    {
        var sources = Lines("COPY").Where(l => !l.StartsWith("--from=", StringComparison.Ordinal))
            .SelectMany(l => l.Split(' ')[..^1]).ToArray();
        sources.Length.ShouldBeGreaterThan(8);
        foreach (var source in sources)
            (File.Exists(Path.Combine(Repository(), source)) || Directory.Exists(Path.Combine(Repository(), source))).ShouldBeTrue(source);
    }

    [Fact]
    public void The_image_is_the_runtime_image_and_installs_nothing()
    {
        Lines("FROM").Last().ShouldBe("mcr.microsoft.com/dotnet/aspnet:10.0");
        var own = Dockerfile[Dockerfile.LastIndexOf("FROM ", StringComparison.Ordinal)..].Split('\n');
        own.Where(l => l.StartsWith("RUN ", StringComparison.Ordinal)).ShouldHaveSingleItem()
            .ShouldMatch("^RUN useradd [^&;]*&& install -d [^&;]*$");
        own.ShouldNotContain(l => l.StartsWith("ADD ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("compose.scale.yaml")]
    public void Every_variable_that_is_passed_to_the_container_is_a_setting(string compose)
    {
        var names = Setting().Matches(File.ReadAllText(Path.Combine(Repository(), compose))).Select(m => m.Groups[1].Value).ToArray();
        names.ShouldContain("PublicBaseUrl");
        var documented = File.ReadAllText(Path.Combine(Repository(), "docs", "settings.md"));
        foreach (var name in names)
            documented.ShouldContain($"`{name}`");
    }

    [Fact]
    public void The_container_runs_as_its_own_user_and_keeps_its_data_in_volumes()
    {
        var user = Lines("USER").Single();
        Dockerfile.ShouldMatch($"useradd [^&]*{user}");
        user.ShouldNotBe("root");
        var volumes = JsonSerializer.Deserialize<string[]>(Lines("VOLUME").Single())!;
        var environment = Variables();
        volumes.ShouldBe([environment["DataDirectory"], environment["Images__Directory"]]);
        File.ReadAllText(Path.Combine(Repository(), "compose.yaml")).ShouldSatisfyAllConditions(
            c => c.ShouldContain("read_only: true"), c => c.ShouldContain("data:/data"), c => c.ShouldContain("static:/static"));
    }

    [Fact, Trait("Needs", "Process")]
    public async Task The_published_service_starts_as_an_unprivileged_user_with_the_images_command_and_variables_and_is_healthy()
    {
        var root = TemporaryDirectory.Make("image");
        File.SetUnixFileMode(root, (UnixFileMode)Convert.ToInt32("755", 8));
        // Publishes from the files that the image copies, and from nothing else.
        foreach (var copy in Lines("COPY").Where(l => !l.StartsWith("--from=", StringComparison.Ordinal)).Select(l => l.Split(' ')))
        {
            var target = $"{root}/source/{copy[^1]}";
            Directory.CreateDirectory(target);
            foreach (var source in copy[..^1])
            {
                var from = Directory.Exists(Path.Combine(Repository(), source)) ? $"{source}/." : source;
                (await RunAsync("cp", ["-r", from, target], [])).ExitCode.ShouldBe(0);
            }
        }
        var commands = Lines("RUN").Where(l => l.StartsWith("dotnet ", StringComparison.Ordinal)).Select(l => l.Split(' ')[1..]).ToArray();
        commands.Select(c => c[0]).ShouldBe(["restore", "publish"]);
        foreach (var command in commands)
        {
            var here = command.Select(a => a switch { "Profiles.csproj" => $"{root}/source/{a}", "/app" => $"{root}/app", _ => a });
            var done = await RunAsync("dotnet", [.. here, "-m:1"], []);
            done.ExitCode.ShouldBe(0, done.Output);
        }
        foreach (var assembly in new[] { "Profiles", "Profiles.Worker", "Microsoft.EntityFrameworkCore" })
            IsCompiledAheadOfTime($"{root}/app/{assembly}.dll").ShouldBeTrue(assembly);
        // The services of other tests in this process have set a private umask.
        (await RunAsync("chmod", ["-R", "a+rX", $"{root}/app"], [])).ExitCode.ShouldBe(0);
        Directory.GetFiles($"{root}/app", "*Tests*").ShouldBeEmpty();
        Directory.GetFiles($"{root}/app/licences").Select(Path.GetFileName).Order()
            .ShouldBe(["ImageMagick.txt", "LICENSE", "libvips.md", "licences.md"]);

        // Maps the image's paths below an empty directory.
        string Here(string path) => path.StartsWith('/') ? root + path : path;
        var variables = Variables().ToDictionary(v => v.Key, v => Here(v.Value));
        foreach (var volume in new[] { variables["DataDirectory"], variables["Images__Directory"] })
        {
            Directory.CreateDirectory(volume);
            (await RunAsync("chown", ["65534:65534", volume], [])).ExitCode.ShouldBe(Environment.IsPrivilegedProcess ? 0 : 1);
        }
        var port = FreePort.Take();
        variables["ASPNETCORE_URLS"] = variables["ASPNETCORE_URLS"].Replace("0.0.0.0:8000", $"127.0.0.1:{port}");
        variables["PublicBaseUrl"] = "http://localhost:8000";
        var entry = JsonSerializer.Deserialize<string[]>(Lines("ENTRYPOINT").Single())!;
        entry[0].ShouldBe("/usr/share/dotnet/dotnet");
        string[] unprivileged = Environment.IsPrivilegedProcess
            ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"] : ["env"];

        using var service = Start(unprivileged[0], [.. unprivileged[1..], "dotnet", .. entry[1..]], variables, $"{root}/app");
        try
        {
            var health = JsonSerializer.Deserialize<string[]>(HealthCommand().Match(Dockerfile).Groups[1].Value)!;
            health = [.. health.Select(h => h.Replace("/8000", $"/{port}"))];
            var deadline = Stopwatch.StartNew();
            int code;
            while ((code = (await RunAsync(health[0], health[1..], [])).ExitCode) != 0 &&
                deadline.Elapsed < TimeSpan.FromSeconds(30) && !service.HasExited)
                await Task.Delay(200, TestContext.Current.CancellationToken);
            code.ShouldBe(0);
            File.Exists($"{variables["DataDirectory"]}/profiles.db").ShouldBeTrue();
            File.ReadAllText($"/proc/{service.Id}/status")
                .ShouldMatch(Environment.IsPrivilegedProcess ? @"Uid:\t65534\t65534" : @"Uid:\t[1-9]");
        }
        finally
        {
            service.Kill();
            await service.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        (await RunAsync(JsonSerializer.Deserialize<string[]>(HealthCommand().Match(Dockerfile).Groups[1].Value)![0],
            ["-c", $"exec 3<>/dev/tcp/127.0.0.1/{port}"], [])).ExitCode.ShouldNotBe(0);
    }

    static bool IsCompiledAheadOfTime(string assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly));
        return file.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0;
    }

    static IEnumerable<string> Lines(string instruction) =>
        Dockerfile.Split('\n').Where(l => l.StartsWith(instruction + " ", StringComparison.Ordinal))
            .Select(l => l[(instruction.Length + 1)..].Trim());

    static Dictionary<string, string> Variables() =>
        Lines("ENV").SelectMany(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(v => v.Split('=', 2))
            .ToDictionary(v => v[0], v => v[1]);

    static async Task<(int ExitCode, string Output)> RunAsync(string command, string[] arguments, Dictionary<string, string> variables)
    {
        using var process = Start(command, arguments, variables, Repository());
        var output = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(output));
    }

    static Process Start(string command, string[] arguments, Dictionary<string, string> variables, string directory)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        start.Environment.Remove("CLOUDINARY_URL");
        return Process.Start(start)!;
    }

    static string Repository() => ArchitectureTests.Repository();

    [GeneratedRegex(@"\s*\\\n\s*")]
    private static partial Regex Continuation();

    [GeneratedRegex(@"^ +((?:[A-Z][A-Za-z]+__)?[A-Z][A-Za-z]+): ", RegexOptions.Multiline)]
    private static partial Regex Setting();

    [GeneratedRegex(@"HEALTHCHECK[^[]*CMD (\[.*\])")]
    private static partial Regex HealthCommand();
}
