using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Profiles.Data;
using Profiles.Data.Tables;
using Profiles.Infrastructure.Backup;
using Profiles.Infrastructure.Commands;
using Profiles.Infrastructure.Startup;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests;

/// <summary>The settings and directories of a service that does not run, for commands in the test process.</summary>
sealed class Installation
{
    readonly string root = TemporaryDirectory.Make("installation");

    /// <summary>On the database of the run.</summary>
    // Without a pool: a command in another process would find the idle connections of this one.
    public Installation() => Connection = TestDatabase.For(Data) is { } server ? $"{server};Pooling=false" : null;

    /// <summary>On a database that is named, or on SQLite in the data directory.</summary>
    public Installation(string? connection) => Connection = connection;

    public string? Connection { get; }

    public string Data => Path.Combine(root, "data");

    public string Images => Path.Combine(root, "static");

    /// <summary>Its settings for a process.</summary>
    public Dictionary<string, string> Settings
    {
        get
        {
            var settings = new Dictionary<string, string> { ["DataDirectory"] = Data, ["Images__Directory"] = Images };
            if (Connection is not null)
                settings["ConnectionStrings__Profiles"] = Connection;
            return settings;
        }
    }

    /// <summary>Runs a command; returns the exit code, and all that it wrote.</summary>
    public Task<(int ExitCode, string Output)> RunAsync(params string[] arguments) => UseAsync(async services =>
    {
        var command = CommandLine.Parse(arguments);
        return await CapturedConsole.OfAsync(() => command.RunAsync(services, Console.Out, terminal: null));
    });

    /// <summary>Runs a command that succeeds; returns what it wrote.</summary>
    public async Task<string> SucceedAsync(params string[] arguments)
    {
        var (exitCode, said) = await RunAsync(arguments);
        exitCode.ShouldBe(0, said);
        return said;
    }

    /// <summary>Runs a command that is refused; returns what it wrote.</summary>
    public async Task<string> RefuseAsync(params string[] arguments)
    {
        var (exitCode, said) = await RunAsync(arguments);
        exitCode.ShouldBe(1, said);
        return said;
    }

    /// <summary>
    /// The number of rows, the checksum and the last number of each table, without what a restore, a move and a backup add to the audit
    /// log.
    /// </summary>
    public Task<Dictionary<string, string>> SumsAsync(CancellationToken ct) => UseAsync(services => SumsAsync(services, ct));

    public static async Task<Dictionary<string, string>> SumsAsync(IServiceProvider services, CancellationToken ct)
    {
        await using var database = new WholeDatabase(
            await services.GetRequiredService<DatabaseEngine>().ReadTablesAsync(alone: false, ct),
            ActivatorUtilities.CreateInstance<KeyFiles>(services));
        var sums = new Dictionary<string, string>();
        foreach (var table in Table.All)
        {
            using var sum = new RowSum();
            var added = 0;
            await foreach (var row in database.ReadAsync(table, ct))
            {
                if (table.Name == "audit_log" && row[table.IndexOf("action")]
                    is "database.restored" or "database.moved" or "database.backed_up")
                    added++;
                else
                    sum.Add(row);
            }
            sums[table.Name] = $"{sum.Rows} {sum.Complete()} {await database.LastNumberAsync(table, ct) - added}";
        }
        return sums;
    }

    /// <summary>What restores and moves have added to the audit log.</summary>
    public Task<List<string>> AuditedAsync(CancellationToken ct) => UseAsync(services => services.GetRequiredService<ProfilesDbContext>()
        .AuditLog.Where(a => a.Action == "database.restored" || a.Action == "database.moved")
        .OrderBy(a => a.Id).Select(a => $"{a.Action}: {a.Detail}").ToListAsync(ct));

    /// <summary>Everything that it has on the disk, by a path from its root; empty directories are of no interest.</summary>
    public Dictionary<string, string> Files() => FilesOf(root);

    public static Dictionary<string, string> FilesOf(string directory) => !Directory.Exists(directory) ? [] :
        Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".lock", StringComparison.Ordinal))
            .ToDictionary(f => Path.GetRelativePath(directory, f), f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f))));

    public async Task<T> UseAsync<T>(Func<IServiceProvider, Task<T>> use)
    {
        var builder = WebApplication.CreateBuilder(
        [
            "--environment=Testing", $"--contentRoot={root}", $"--DataDirectory={Data}", $"--Images:Directory={Images}",
            $"--PublicBaseUrl={ProfilesFixture.BaseUrl}", "--Images:Grace=00:00:01",
            .. Connection is null ? [] : new[] { $"--ConnectionStrings:Profiles={Connection}" },
        ]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System).AddConcerns(builder.Configuration);
        await using var app = builder.Build();
        using var scope = app.Services.CreateScope();
        return await use(scope.ServiceProvider);
    }
}
