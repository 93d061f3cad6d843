using System.Diagnostics;

namespace Profiles.Tests;

/// <summary>
/// Programs of node with their npm packages, installed by the lock file below artifacts/. Without node and npm, or without a registry, the
/// tests that run them are skipped unless <c>CI=true</c>.
/// </summary>
/// <param name="sources">The directory of the package.json, the package-lock.json and the programs.</param>
/// <param name="name">The directory's name below artifacts/.</param>
sealed class NpmProject(string sources, string name)
{
    static readonly bool IsRequired = Environment.GetEnvironmentVariable("CI") == "true";

    string? missing;

    public string Directory { get; } = Path.Combine(ArchitectureTests.Repository(), "artifacts", name);

    /// <summary>Copies the sources and installs the packages, unless they are there; returns whether they are now.</summary>
    public async Task<bool> TryInstallAsync()
    {
        foreach (var old in System.IO.Directory.Exists(Directory)
            ? System.IO.Directory.GetDirectories(Directory).Where(d => Path.GetFileName(d) != "node_modules")
            : [])
            System.IO.Directory.Delete(old, recursive: true);
        System.IO.Directory.CreateDirectory(Directory);
        var (installed, wanted) =
            (Path.Combine(Directory, "node_modules", ".package-lock.json"), Path.Combine(sources, "package-lock.json"));
        var isInstalled = File.Exists(installed) && File.GetLastWriteTimeUtc(installed) > File.GetLastWriteTimeUtc(wanted);
        foreach (var file in System.IO.Directory.GetFiles(sources))
            File.Copy(file, Path.Combine(Directory, Path.GetFileName(file)), overwrite: true);
        if (!isInstalled)
            missing = await InstallAsync();
        return missing is null;
    }

    /// <summary>Runs a program in the directory; it must succeed. Returns its output.</summary>
    public async Task<string> RunAsync(string program, params string[] arguments)
    {
        Assert.SkipWhen(missing is not null && !IsRequired, missing ?? "");
        missing.ShouldBeNull();
        var (exitCode, output) = await ExecuteAsync(program, arguments);
        exitCode.ShouldBe(0, output);
        return output;
    }

    // Returns why it could not, or null.
    async Task<string?> InstallAsync()
    {
        try
        {
            var (exitCode, output) = await ExecuteAsync("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
            return exitCode == 0 ? null : $"npm cannot install what the test needs: {output}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "The test needs node 20.19 or later, and npm.";
        }
    }

    async Task<(int ExitCode, string Output)> ExecuteAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
