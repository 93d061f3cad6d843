using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Profiles.Tests.Infrastructure.OpenApi;

/// <summary>
/// The document as programs read it: linted, and compiled into clients by two generators that others use. What they need from npm is put into a directory of the
/// build's; without node and npm, or without a registry, the tests are skipped unless <c>CI=true</c>.
/// </summary>
// The database has no part in it: once is enough.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class GeneratedClientTests(GeneratedClientTests.Project project) : IClassFixture<GeneratedClientTests.Project>
{
    [Fact]
    public async Task The_document_passes_the_rules_of_OpenAPI_and_OWASP() => await project.RunAsync("npm", "run", "--silent", "lint");

    [Theory]
    [InlineData("fetch.js")]
    [InlineData("hey.js")]
    public async Task Someone_registers_logs_in_uploads_and_patches_through_a_generated_client(string program) =>
        await project.RunAsync("node", $"compiled/{program}", project.Address, Path.Combine(AppContext.BaseDirectory, "Pictures", "upright.jpg"));

    /// <summary>The clients of a running server's document, compiled.</summary>
    public sealed class Project : IAsyncLifetime
    {
        static readonly bool IsRequired = Environment.GetEnvironmentVariable("CI") == "true";

        readonly string directory = Path.Combine(ArchitectureTests.Repository(), "artifacts", "generated-clients");

        ServerProcess? server;
        string? missing;

        /// <summary>Where the server is; empty when what the clients need is missing.</summary>
        public string Address => server?.Address.ToString() ?? "";

        public async ValueTask InitializeAsync()
        {
            if (await TryInstallAsync() is { } reason)
            {
                missing = reason;
                return;
            }
            server = await ServerProcess.StartAsync();
            await File.WriteAllTextAsync(Path.Combine(directory, "document.json"), await server.Client.GetStringAsync("/openapi/v1.json"));
            foreach (var step in (string[])["generate", "compile"])
                await RunAsync("npm", "run", "--silent", step);
        }

        public async ValueTask DisposeAsync()
        {
            if (server is not null)
                await server.DisposeAsync();
        }

        /// <summary>Runs a program there, which must succeed.</summary>
        public async Task RunAsync(string program, params string[] arguments)
        {
            Assert.SkipWhen(missing is not null && !IsRequired, missing ?? "");
            missing.ShouldBeNull();
            var (exitCode, output) = await ExecuteAsync(program, arguments);
            exitCode.ShouldBe(0, output);
        }

        // Why the packages are not there; null when they are. The lock file says which they are.
        async Task<string?> TryInstallAsync()
        {
            foreach (var old in Directory.Exists(directory) ? Directory.GetDirectories(directory).Where(d => Path.GetFileName(d) != "node_modules") : [])
                Directory.Delete(old, recursive: true);
            Directory.CreateDirectory(directory);
            var (installed, wanted) = (Path.Combine(directory, "node_modules", ".package-lock.json"), Path.Combine(Sources(), "package-lock.json"));
            var isInstalled = File.Exists(installed) && File.GetLastWriteTimeUtc(installed) > File.GetLastWriteTimeUtc(wanted);
            foreach (var file in Directory.GetFiles(Sources()))
                File.Copy(file, Path.Combine(directory, Path.GetFileName(file)), overwrite: true);
            if (isInstalled)
                return null;
            try
            {
                var (exitCode, output) = await ExecuteAsync("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
                return exitCode == 0 ? null : $"npm cannot install what the generated clients need: {output}";
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return "The generated clients need node 20.19 or later, and npm.";
            }
        }

        async Task<(int ExitCode, string Output)> ExecuteAsync(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = directory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            return (process.ExitCode, await output + await errors);
        }

        static string Sources([CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, "GeneratedClients");
    }
}
