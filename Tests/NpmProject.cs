using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Profiles.Tests;

/// <summary>
/// Programs with npm packages, which are installed below artifacts/. Without node and npm, or without a registry, a test that runs one is
/// skipped unless <c>CI=true</c>.
/// </summary>
sealed class NpmProject
{
    static readonly bool IsRequired = Environment.GetEnvironmentVariable("CI") == "true";

    readonly string sources;
    string? missing;

    NpmProject(string name, string sources) =>
        (Directory, this.sources) = (Path.Combine(ArchitectureTests.Repository(), "artifacts", name), sources);

    public string Directory { get; }

    public bool IsInstalled => missing is null;

    /// <summary>Copies the sources to <c>artifacts/{name}</c>, and installs the packages of their lock file.</summary>
    /// <param name="name">Of the directory below artifacts/.</param>
    /// <param name="sources">The directory of the sources, beside the caller's file.</param>
    /// <param name="caller">Filled in by the compiler.</param>
    public static async Task<NpmProject> InstallAsync(string name, string sources, [CallerFilePath] string caller = "")
    {
        var project = new NpmProject(name, Path.Combine(Path.GetDirectoryName(caller)!, sources));
        project.missing = await project.TryInstallAsync();
        return project;
    }

    /// <summary>Runs a program in the directory; it must succeed.</summary>
    public async Task<string> RunAsync(string program, params string[] arguments)
    {
        Assert.SkipWhen(missing is not null && !IsRequired, missing ?? "");
        missing.ShouldBeNull();
        var (exitCode, output) = await ExecuteAsync(program, arguments);
        exitCode.ShouldBe(0, output);
        return output;
    }

    // Returns why it could not, or null.
    async Task<string?> TryInstallAsync()
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
        if (isInstalled)
            return null;
        try
        {
            var (exitCode, output) = await ExecuteAsync("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
            return exitCode == 0 ? null : $"npm cannot install what this test needs: {output}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "This test needs node 20.19 or later, and npm.";
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
