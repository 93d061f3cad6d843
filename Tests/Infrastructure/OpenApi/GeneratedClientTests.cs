using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Profiles.Tests.Infrastructure.OpenApi;

/// <summary>
/// Lints the document and compiles it into clients with two common generators. Their npm packages are installed below artifacts/;
/// without node and npm, or without a registry, the tests are skipped unless <c>CI=true</c>.
/// </summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class GeneratedClientTests(GeneratedClientTests.Project project) : IClassFixture<GeneratedClientTests.Project>
{
    [Fact]
    public async Task The_document_passes_the_rules_of_OpenAPI_and_OWASP() => await project.RunAsync("npm", "run", "--silent", "lint");

    [Theory]
    [InlineData("fetch.js")]
    [InlineData("hey.js")]
    public async Task A_generated_client_registers_logs_in_uploads_and_patches(string program) =>
        await project.RunAsync("node", $"compiled/{program}", project.Address,
            Path.Combine(AppContext.BaseDirectory, "Images", "upright.jpg"));

    /// <summary>Compiled clients of a running server's document.</summary>
    public sealed class Project : IAsyncLifetime
    {
        static readonly bool IsRequired = Environment.GetEnvironmentVariable("CI") == "true";

        readonly string directory = Path.Combine(ArchitectureTests.Repository(), "artifacts", "generated-clients");

        ServerProcess? server;
        string? missing;

        /// <summary>The server's address; empty when the packages are missing.</summary>
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

        /// <summary>Runs a program in the clients' directory; it must succeed.</summary>
        public async Task RunAsync(string program, params string[] arguments)
        {
            Assert.SkipWhen(missing is not null && !IsRequired, missing ?? "");
            missing.ShouldBeNull();
            var (exitCode, output) = await ExecuteAsync(program, arguments);
            exitCode.ShouldBe(0, output);
        }

        // Installs the packages of the lock file; returns why it could not, or null.
        async Task<string?> TryInstallAsync()
        {
            foreach (var old in Directory.Exists(directory)
                ? Directory.GetDirectories(directory).Where(d => Path.GetFileName(d) != "node_modules")
                : [])
                Directory.Delete(old, recursive: true);
            Directory.CreateDirectory(directory);
            var (installed, wanted) =
                (Path.Combine(directory, "node_modules", ".package-lock.json"), Path.Combine(Sources(), "package-lock.json"));
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
