namespace Profiles.Tests.Infrastructure.OpenApi;

/// <summary>
/// Lints the document and compiles it into clients with two common generators.
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
        NpmProject npm = null!;
        ServerProcess? server;

        /// <summary>The server's address; empty when the packages are missing.</summary>
        public string Address => server?.Address.ToString() ?? "";

        public async ValueTask InitializeAsync()
        {
            npm = await NpmProject.InstallAsync("generated-clients", "GeneratedClients");
            if (!npm.IsInstalled)
                return;
            server = await ServerProcess.StartAsync();
            var document = await server.Client.GetStringAsync("/openapi/v1.json");
            await File.WriteAllTextAsync(Path.Combine(npm.Directory, "document.json"), document);
            foreach (var step in (string[])["generate", "compile"])
                await RunAsync("npm", "run", "--silent", step);
        }

        public async ValueTask DisposeAsync()
        {
            if (server is not null)
                await server.DisposeAsync();
        }

        /// <summary>Runs a program in the clients' directory; it must succeed.</summary>
        public Task RunAsync(string program, params string[] arguments) => npm.RunAsync(program, arguments);
    }
}
