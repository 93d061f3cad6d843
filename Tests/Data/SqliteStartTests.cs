using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Profiles.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>The data directory of a stopped service with some thousand users, made when a test first needs it.</summary>
public sealed class SoundDatabase
{
    readonly Lazy<Task<string>> directory = new(MakeAsync);

    /// <summary>Copies the directory for a test to damage.</summary>
    public async Task CopyToAsync(string other)
    {
        foreach (var file in Directory.GetFiles(await directory.Value))
            File.Copy(file, Path.Combine(other, Path.GetFileName(file)));
    }

    static async Task<string> MakeAsync()
    {
        var data = TemporaryDirectory.Make("data");
        await using (var before = await ServerProcess.StartAsync(("DataDirectory", data)))
        {
            for (var i = 0; i < 3; i++)
                (await ServerUser.SignUpAsync(before, TestContext.Current.CancellationToken)).Dispose();
        }
        SqliteFaultTests.Open(Path.Combine(data, "profiles.db"), """
            INSERT INTO users (email, normalized_email, password_hash, created_at)
                WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) SELECT n, n, '', '2026-01-01' FROM s;
            PRAGMA wal_checkpoint(TRUNCATE)
            """).Dispose();
        return data;
    }
}

/// <summary>Starts a process on an SQLite file that is locked, damaged, missing or half written.</summary>
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class SqliteStartTests(SoundDatabase sound) : IClassFixture<SoundDatabase>
{
    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    string DatabaseFile => Path.Combine(data, "profiles.db");

    [Fact]
    public async Task A_start_while_another_process_holds_the_lock_succeeds_and_reads()
    {
        await using var before = await ServerProcess.StartAsync(("DataDirectory", data));
        using var user = await ServerUser.SignUpAsync(before, Token);
        await before.DisposeAsync();
        using var holder = SqliteFaultTests.Open(DatabaseFile, "BEGIN EXCLUSIVE");
        await using var server = await ServerProcess.StartWithoutDatabaseAsync(("DataDirectory", data), ("Database__Timeout", "00:00:03"));
        server.Client.DefaultRequestHeaders.Authorization = user.Client.DefaultRequestHeaders.Authorization;
        (await server.Client.GetAsync("/me", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("header")]
    [InlineData("middle")]
    [InlineData("truncated")]
    [InlineData("only the log is left")]
    public async Task A_damaged_database_file_stops_the_start_and_is_left_as_it_is(string damage)
    {
        await sound.CopyToAsync(data);
        var bytes = await File.ReadAllBytesAsync(DatabaseFile, Token);
        bytes.Length.ShouldBeGreaterThan(100_000);
        switch (damage)
        {
            case "empty":
                bytes = [];
                break;
            case "header":
                bytes[3] ^= 0xFF;
                break;
            case "middle":
                // Overwrites whole pages in the middle, not bytes that may be unused.
                bytes.AsSpan(bytes.Length / 2, 16384).Fill(0xA5);
                break;
            case "truncated":
                bytes = bytes[..(bytes.Length / 2)];
                break;
        }
        foreach (var beside in Directory.GetFiles(data, "profiles.db-*"))
            File.Delete(beside);
        var file = damage == "only the log is left" ? DatabaseFile + "-wal" : DatabaseFile;
        if (file != DatabaseFile)
            File.Delete(DatabaseFile);
        await File.WriteAllBytesAsync(file, bytes, Token);

        var (exitCode, output) = await ServerProcess.RefuseAsync(("DataDirectory", data));
        exitCode.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].ShouldStartWith("Profiles cannot start: The database ");
        output.ShouldNotContain(data);
        output.ShouldNotContain("   at ");
        (await File.ReadAllBytesAsync(file, Token)).SequenceEqual(bytes).ShouldBeTrue();
        File.Exists(DatabaseFile).ShouldBe(file == DatabaseFile);
    }

    [Fact]
    public async Task No_write_reaches_a_large_file_until_its_check_has_ended()
    {
        await MakeLargeAsync();
        var before = await HashAsync();
        using var engine = new SqliteEngine($"Data Source={DatabaseFile}", TimeSpan.FromSeconds(5));
        await engine.MigrateAsync(Token);
        const string Write = "UPDATE users SET email = email || 'x'; PRAGMA wal_checkpoint(TRUNCATE)";
        SqliteFaultTests.Open(DatabaseFile, Write).Dispose();
        (await HashAsync()).ShouldBe(before);
        File.Exists(DatabaseFile + ".unchecked").ShouldBeTrue();
        await engine.WatchAsync(Token);
        File.Exists(DatabaseFile + ".unchecked").ShouldBeFalse();
        SqliteFaultTests.Open(DatabaseFile, Write).Dispose();
        (await HashAsync()).ShouldNotBe(before);
    }

    [Fact]
    public async Task Damage_in_a_large_file_stops_the_service_and_its_next_start()
    {
        await MakeLargeAsync();
        await DamageLargeAsync();
        var damaged = await HashAsync();
        // The first start serves until the check has found it; the second finds the mark of the first.
        for (var start = 1; start <= 2; start++)
        {
            var (exitCode, output) = await ServerProcess.RefuseAsync(("DataDirectory", data));
            exitCode.ShouldBe(1);
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].ShouldStartWith("Profiles cannot start: The database file ");
            output.ShouldNotContain("   at ");
            File.Exists(DatabaseFile + ".unchecked").ShouldBeTrue();
            (await HashAsync()).ShouldBe(damaged);
        }
    }

    [Fact]
    public async Task The_command_that_migrates_ends_the_check_of_a_large_file_and_no_later_write_of_the_process_reaches_a_damaged_one()
    {
        await MakeLargeAsync();
        var installation = new Installation($"Data Source={DatabaseFile}");
        await installation.SucceedAsync("migrate");
        File.Exists(DatabaseFile + ".unchecked").ShouldBeFalse();
        await DamageLargeAsync();
        var damaged = await HashAsync();
        (await installation.RefuseAsync("migrate")).ShouldStartWith("The database file ");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        SqliteFaultTests.Open(DatabaseFile, "UPDATE users SET email = email || 'x'; PRAGMA wal_checkpoint(TRUNCATE)").Dispose();
        (await HashAsync()).ShouldBe(damaged);
    }

    [Fact]
    public async Task After_a_first_start_that_was_killed_at_any_moment_the_next_one_succeeds()
    {
        var seen = new HashSet<string>();
        for (var round = 0; round < 12; round++)
        {
            var directory = Path.Combine(data, $"{round}");
            await using (var killed = ServerProcess.Begin(("DataDirectory", directory)))
            {
                // Kills between the creation of the directory and the moment after the database is in place.
                var watch = Stopwatch.StartNew();
                var until = Path.Combine(directory,
                    (round % 4) switch { 0 => "", 1 => "profiles.db.lock", 2 => "profiles.db.new", _ => "profiles.db" });
                while (!Path.Exists(until) && watch.Elapsed < TimeSpan.FromSeconds(20))
                    Thread.Sleep(round / 4);
                killed.Kill();
                seen.Add(string.Join(' ', Directory.GetFiles(directory).Select(f => Path.GetFileName(f)!).Order()));
            }
            await using var next = await ServerProcess.StartAsync(("DataDirectory", directory));
            (await ServerUser.SignUpAsync(next, Token)).Dispose();
        }
        // The rounds kill at different moments.
        seen.Count.ShouldBeGreaterThan(2);
    }

    async Task DamageLargeAsync()
    {
        await using var file = new FileStream(DatabaseFile, FileMode.Open);
        file.Position = SqliteEngine.CheckedAtOnce / 2;
        file.Write(Enumerable.Repeat((byte)0xA5, 16384).ToArray());
    }

    // Larger than what is checked at the start.
    async Task MakeLargeAsync()
    {
        await sound.CopyToAsync(data);
        SqliteFaultTests.Open(DatabaseFile, $"""
            CREATE TABLE large (content BLOB);
            INSERT INTO large VALUES (zeroblob({SqliteEngine.CheckedAtOnce}));
            PRAGMA wal_checkpoint(TRUNCATE)
            """).Dispose();
    }

    async Task<string> HashAsync()
    {
        await using var file = new FileStream(DatabaseFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return Convert.ToHexString(await SHA256.HashDataAsync(file, Token));
    }
}
