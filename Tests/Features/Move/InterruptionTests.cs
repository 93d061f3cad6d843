using Microsoft.Data.Sqlite;
using Npgsql;
using Profiles.Tests.Features.Backup;

namespace Profiles.Tests.Features.Move;

/// <summary>Ends backup, restore and move by SIGTERM while they work on many rows.</summary>
[Trait("Needs", "Process")]
public sealed class InterruptionTests : IClassFixture<InterruptionTests.ManyUsers>
{
    readonly ManyUsers many;

    public InterruptionTests(ManyUsers many) => this.many = many;

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_backup_leaves_nothing()
    {
        var archive = BackupFixture.NewArchive();
        var folder = Path.GetDirectoryName(archive)!;
        await InterruptAsync(many.Source, () => Directory.GetFiles(folder).Length > 0, "backup", archive);
        Directory.GetFiles(folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_restore_changes_nothing()
    {
        var target = new Installation();
        await target.SucceedAsync("restore", many.Small);
        var (files, sums) = (target.Files(), await target.SumsAsync(Token));
        await InterruptAsync(
            target, () => Directory.Exists(Path.Combine(target.Images, "profile.new")), "restore", many.Archive, "--force");
        target.Files().ShouldBe(files, ignoreOrder: true);
        (await target.SumsAsync(Token)).ShouldBe(sums, ignoreOrder: true);
    }

    [Fact]
    public async Task A_move_leaves_the_other_database_as_it_was()
    {
        var target = new Installation(connection: null);
        Directory.CreateDirectory(target.Data);
        var file = Path.Combine(target.Data, "profiles.db");
        await InterruptAsync(many.Source, () => File.Exists(file + ".new"), "move", "--to", $"Data Source={file}");
        target.Files().ShouldBeEmpty();
        await many.Source.SucceedAsync("move", "--to", $"Data Source={file}");
    }

    static async Task InterruptAsync(Installation installation, Func<bool> works, params string[] arguments)
    {
        await using var command = ServerProcess.Begin(installation.Settings, arguments);
        await LinuxProcess.UntilAsync(works, () => command.Output);
        await new LinuxProcess(command.ProcessId).SignalAsync("TERM");
        (await command.EndedAsync()).ShouldBe(130, command.Output);
        command.Output.ShouldContain("Interrupted.");
    }

    /// <summary>An installation with many users, and archives of it before and after them.</summary>
    public sealed class ManyUsers : IAsyncLifetime
    {
        const string Fill =
            """
            INSERT INTO users (id, email, normalized_email, password_hash, created_at)
                WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 60000)
                SELECT n, n || '@example.com', n || '@example.com', 'none', '2026-01-01' FROM s
            """;

        internal Installation Source { get; } = new();

        internal string Small { get; } = BackupFixture.NewArchive();

        internal string Archive { get; } = BackupFixture.NewArchive();

        public async ValueTask InitializeAsync()
        {
            await Source.SucceedAsync("migrate");
            await BackUpAsync(Small);
            if (Source.Connection is { } server)
            {
                await using var connection = new NpgsqlConnection(server);
                await connection.OpenAsync();
                await using var fill = new NpgsqlCommand(Fill.Replace("'2026-01-01'", "timestamptz '2026-01-01Z'"), connection);
                await fill.ExecuteNonQueryAsync();
            }
            else
            {
                await using var connection = new SqliteConnection($"Data Source={Path.Combine(Source.Data, "profiles.db")};Pooling=false");
                await connection.OpenAsync();
                await using var fill = new SqliteCommand(Fill, connection);
                await fill.ExecuteNonQueryAsync();
            }
            await BackUpAsync(Archive);
        }

        // In a process: in this one its connection to the file would stay open, and a move refuses a database that somebody uses.
        async Task BackUpAsync(string archive)
        {
            await using var command = ServerProcess.Begin(Source.Settings, "backup", archive);
            (await command.EndedAsync()).ShouldBe(0, command.Output);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
