using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>A directory as a service leaves it, its database with some thousand users, from when a test first asks for it.</summary>
public sealed class SoundDatabase
{
    readonly Lazy<Task<string>> directory = new(MakeAsync);

    /// <summary>Copies it, to be damaged.</summary>
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
            foreach (var i in Enumerable.Range(0, 3))
                (await SqliteFaultTests.RegisterAsync(before, $"user-{i}@example.com")).EnsureSuccessStatusCode();
        }
        using (var connection = SqliteFaultTests.Open(Path.Combine(data, "profiles.db")))
            SqliteFaultTests.Execute(connection, "INSERT INTO users (email, normalized_email, password_hash, created_at) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) SELECT n, n, '', '2026-01-01' FROM s; PRAGMA wal_checkpoint(TRUNCATE)");
        return data;
    }
}

/// <summary>An SQLite file that is locked, damaged, missing or half made; each test has a process of its own.</summary>
[Trait("Database", "Sqlite"), Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class SqliteFaultTests(SoundDatabase sound) : IClassFixture<SoundDatabase>
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // The machine may be busy with other tests.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    string DatabaseFile => Path.Combine(data, "profiles.db");

    [Fact]
    public async Task While_another_holds_the_lock_writes_are_503_within_the_deadline_and_reads_go_on()
    {
        await using var server = await StartAsync();
        var token = await JoinAsync(server);
        using (var holder = Open())
        {
            Execute(holder, "BEGIN EXCLUSIVE");
            // As many as would take every thread there is.
            var writes = Enumerable.Range(0, 100).Select(i => ShouldBe503Async(() => PutAsync(server, token, $"Name {i}"))).ToArray();
            var slowest = TimeSpan.Zero;
            while (!writes.All(w => w.IsCompleted))
            {
                var watch = Stopwatch.StartNew();
                (await server.Client.GetAsync("/health/live", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
                (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
                slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
                await Task.Delay(20, Token);
            }
            await Task.WhenAll(writes);
            // Without a queue for the writers it is the whole deadline and more.
            slowest.ShouldBeLessThan(TimeSpan.FromSeconds(2));
            // It only reads: who waits for a writer is not taken out of a balancer for it.
            (await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("status").GetString().ShouldBe("ok");
            Execute(holder, "ROLLBACK");
        }
        (await PutAsync(server, token, "Free")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Client.GetAsync("/health/ready", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_start_while_another_holds_the_lock_succeeds_and_reads()
    {
        string token;
        await using (var before = await StartAsync())
            token = await JoinAsync(before);
        using var holder = Open();
        Execute(holder, "BEGIN EXCLUSIVE");
        await using var server = await ServerProcess.StartWithoutDatabaseAsync(("DataDirectory", data), ("Database__Timeout", Deadline.ToString()));
        (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        Execute(holder, "ROLLBACK");
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("header")]
    [InlineData("middle")]
    [InlineData("truncated")]
    [InlineData("only the log is left")]
    public async Task A_file_that_is_no_whole_database_stops_the_start_and_is_left_as_it_is(string damage)
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
                // Whole pages in the middle, so that no lucky byte is hit.
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
    public async Task A_first_start_that_is_killed_at_any_moment_is_followed_by_one_that_succeeds()
    {
        var seen = new HashSet<string>();
        for (var round = 0; round < 12; round++)
        {
            var directory = Path.Combine(data, $"{round}");
            await using (var killed = ServerProcess.Begin(("DataDirectory", directory)))
            {
                // From before the directory is made until after the database is in its place.
                var watch = Stopwatch.StartNew();
                var until = Path.Combine(directory, (round % 4) switch { 0 => "", 1 => "profiles.db.lock", 2 => "profiles.db.new", _ => "profiles.db" });
                while (!Path.Exists(until) && watch.Elapsed < TimeSpan.FromSeconds(20))
                    Thread.Sleep(round / 4);
                killed.Kill();
                seen.Add(string.Join(' ', Directory.GetFiles(directory).Select(f => Path.GetFileName(f)!).Order()));
            }
            await using var next = await StartAsync(directory);
            await JoinAsync(next);
        }
        // Not every time at the same moment.
        seen.Count.ShouldBeGreaterThan(2);
    }

    Task<ServerProcess> StartAsync(string? directory = null) => ServerProcess.StartAsync(("DataDirectory", directory ?? data), ("Database__Timeout", Deadline.ToString()));

    SqliteConnection Open() => Open(DatabaseFile);

    internal static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection($"Data Source={file};Pooling=false;Default Timeout=1");
        connection.Open();
        return connection;
    }

    internal static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    static async Task<System.Text.Json.JsonElement> ShouldBe503Async(Func<Task<HttpResponseMessage>> ask)
    {
        var watch = Stopwatch.StartNew();
        var answer = await ask();
        watch.Elapsed.ShouldBeLessThan(Deadline + Grace);
        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        answer.Headers.RetryAfter.ShouldNotBeNull();
        return problem;
    }

    internal static Task<HttpResponseMessage> RegisterAsync(ServerProcess server, string email) =>
        server.Client.PostAsJsonAsync("/register", new { name = "John", email, password = "plum-tram-94" }, Token);

    static async Task<string> JoinAsync(ServerProcess server)
    {
        (await RegisterAsync(server, "john@example.com")).EnsureSuccessStatusCode();
        return await LoginAsync(server);
    }

    static async Task<string> LoginAsync(ServerProcess server)
    {
        var login = await server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = "plum-tram-94" }, Token);
        return (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
    }

    static Task<HttpResponseMessage> MeAsync(ServerProcess server, string token) => SendAsync(server, token, HttpMethod.Get, null);

    static Task<HttpResponseMessage> PutAsync(ServerProcess server, string token, string name) => SendAsync(server, token, HttpMethod.Put, JsonContent.Create(new { name }));

    static async Task<HttpResponseMessage> SendAsync(ServerProcess server, string token, HttpMethod method, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, "/me") { Headers = { Authorization = new("Bearer", token) }, Content = content };
        return await server.Client.SendAsync(request, Token);
    }
}
