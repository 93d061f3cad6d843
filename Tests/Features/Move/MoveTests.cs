using System.Text.Json.Nodes;
using Profiles.Tests.Features.Backup;

namespace Profiles.Tests.Features.Move;

public sealed class MoveTests(BackupFixture app) : TestBase<BackupFixture>
{
    [Fact, Trait("Needs", "Process")]
    public async Task There_and_back_every_row_and_key_is_the_same_and_the_images_stay()
    {
        var start = await InstalledAsync();
        var (sums, images) = (await start.SumsAsync(Cancellation), Installation.FilesOf(start.Images));
        // On SQLite from one file to another; on PostgreSQL to a file and back to another database.
        var file = new Installation(connection: null);
        Directory.CreateDirectory(file.Data);
        var there = $"Data Source={Path.Combine(file.Data, "profiles.db")}";
        // The keys become files of the configured DataDirectory, which the next service has, too.
        var said = await start.SucceedAsync("move", "--to", there);
        said.ShouldContain("users: ");
        said.ShouldMatch("Moved [0-9]+ rows in ");
        foreach (var key in Directory.GetFiles(start.Data, "signing*"))
            File.Copy(key, Path.Combine(file.Data, Path.GetFileName(key)), overwrite: true);
        (await file.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        (await file.AuditedAsync(Cancellation))[^1].ShouldMatch($"^database.moved: [0-9]+ rows from (Sqlite|PostgreSql)$");
        (await start.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        Installation.FilesOf(start.Images).ShouldBe(images, ignoreOrder: true);
        if (!TestDatabase.IsPostgreSql)
            return;
        var back = new Installation();
        await file.SucceedAsync("move", "--to", back.Connection!);
        (await back.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);
        // A service runs on it: the numbers go on, and the keys are read.
        await using var server = await ServerProcess.StartAsync([.. back.Settings.Select(s => (s.Key, s.Value))]);
        using var user = await ServerUser.SignUpAsync(server, Cancellation);
        (await user.ShownAsync(Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Into_a_database_with_rows_or_while_the_service_runs_it_is_refused()
    {
        var (one, other) = (await InstalledAsync(), await InstalledAsync());
        var to = other.Connection ?? $"Data Source={Path.Combine(other.Data, "profiles.db")}";
        var sums = await other.SumsAsync(Cancellation);
        (await one.RefuseAsync("move", "--to", to)).ShouldBe("The other database is not empty.\n");
        (await other.SumsAsync(Cancellation)).ShouldBe(sums, ignoreOrder: true);

        var free = Path.Combine(TemporaryDirectory.Make("free"), "profiles.db");
        var (exitCode, _, error) = await app.RunAsync("move", "--to", $"Data Source={free}");
        (exitCode, error).ShouldBe((1, "The database is in use: stop the service, on every machine, and try again.\n"));
        File.Exists(free).ShouldBeFalse();
        (await one.RefuseAsync("move", "--to", $"Data Source={Path.Combine(Path.GetDirectoryName(free)!, "none", "profiles.db")}"))
            .ShouldBe("The folder of the database file does not exist: make it first.\n");
        (await one.RefuseAsync("move", "--to", "nonsense")).ShouldContain(" is not a connection string: ");
    }

    [Fact]
    public async Task A_database_that_was_restored_by_half_is_not_moved()
    {
        var (one, free) = (await InstalledAsync(), Path.Combine(TemporaryDirectory.Make("free"), "profiles.db"));
        await File.WriteAllTextAsync(Path.Combine(one.Data, "restore.unfinished"), "", Cancellation);
        (await one.RefuseAsync("move", "--to", $"Data Source={free}")).ShouldStartWith("A restore was interrupted half-way");
        File.Exists(free).ShouldBeFalse();
    }

    [Fact]
    public async Task A_database_that_is_only_migrated_is_filled()
    {
        var (one, other) = (await InstalledAsync(), new Installation());
        await other.SucceedAsync("migrate");
        await one.SucceedAsync("move", "--to", other.Connection ?? $"Data Source={Path.Combine(other.Data, "profiles.db")}");
        (await other.SumsAsync(Cancellation))["users"].ShouldBe((await one.SumsAsync(Cancellation))["users"]);
    }

    [Fact, Trait("Database", "PostgreSql")]
    public async Task Another_key_in_the_data_directory_is_not_replaced()
    {
        var (one, file) = (await InstalledAsync(), Path.Combine(TemporaryDirectory.Make("free"), "profiles.db"));
        var key = Path.Combine(one.Data, "signing.key");
        await File.WriteAllTextAsync(key, "a key of another installation, 40 characters", Cancellation);
        (await one.RefuseAsync("move", "--to", $"Data Source={file}")).ShouldBe(
            "DataDirectory has other keys than the database: move those files away.\n");
        File.Exists(file).ShouldBeFalse();
        (await File.ReadAllTextAsync(key, Cancellation)).ShouldBe("a key of another installation, 40 characters");
    }

    [Fact, Trait("Database", "PostgreSql")]
    public async Task An_earlier_ring_in_the_data_directory_is_not_replaced_and_the_same_one_is_no_obstacle()
    {
        var (one, free) = (await InstalledAsync(), TemporaryDirectory.Make("free"));
        await one.SucceedAsync("move", "--to", $"Data Source={Path.Combine(free, "first.db")}");
        await one.SucceedAsync("move", "--to", $"Data Source={Path.Combine(free, "second.db")}");
        // As a file is from before the last rotation.
        var ring = Path.Combine(one.Data, "signing-keys.json");
        var keys = JsonNode.Parse(await File.ReadAllTextAsync(ring, Cancellation))!.AsArray();
        keys.Count.ShouldBeGreaterThan(1);
        keys.RemoveAt(0);
        await File.WriteAllTextAsync(ring, keys.ToJsonString(), Cancellation);
        (await one.RefuseAsync("move", "--to", $"Data Source={Path.Combine(free, "third.db")}")).ShouldBe(
            "DataDirectory has other keys than the database: move those files away.\n");
        File.Exists(Path.Combine(free, "third.db")).ShouldBeFalse();
        (await File.ReadAllTextAsync(ring, Cancellation)).ShouldBe(keys.ToJsonString());
    }

    async Task<Installation> InstalledAsync()
    {
        var archive = BackupFixture.NewArchive();
        await app.RunAsync("backup", archive);
        var installation = new Installation();
        await installation.SucceedAsync("restore", archive);
        return installation;
    }
}
