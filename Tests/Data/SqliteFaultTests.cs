using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>Another process holds the lock of the SQLite file, or the disk has no room for it.</summary>
[Trait("Database", "Sqlite"), Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class SqliteFaultTests
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // Other tests may keep the machine busy.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_another_process_holds_the_lock_writes_are_503_within_the_deadline_and_reads_work()
    {
        await using var server = await ServerProcess.StartAsync(("DataDirectory", data), ("Database__Timeout", Deadline.ToString()));
        using var user = await ServerUser.SignUpAsync(server, Token);
        using (Open(Path.Combine(data, "profiles.db"), "BEGIN EXCLUSIVE"))
        {
            // Enough writers to occupy every thread of the pool.
            var writes = Enumerable.Range(0, 100).Select(i => ShouldBe503Async(() => PutAsync($"Name {i}"))).ToArray();
            var slowest = TimeSpan.Zero;
            while (!writes.All(w => w.IsCompleted))
            {
                var watch = Stopwatch.StartNew();
                (await server.Client.GetAsync("/health/live", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
                (await user.Client.GetAsync("/me", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
                slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
                await Task.Delay(20, Token);
            }
            await Task.WhenAll(writes);
            // Without the writers' queue a read would take longer than the deadline.
            slowest.ShouldBeLessThan(TimeSpan.FromSeconds(2));
            // The readiness check only reads, so a held write lock does not take the instance out of the load balancer.
            var ready = await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK);
            ready.GetProperty("status").GetString().ShouldBe("ok");
        }
        (await PutAsync("Free")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Client.GetAsync("/health/ready", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);

        Task<HttpResponseMessage> PutAsync(string name) => user.Client.PutAsJsonAsync("/me", new { name }, Token);
    }

    [Fact]
    public async Task Two_services_on_one_file_lose_no_write()
    {
        const int changes = 20;
        await using var one = await ServerProcess.StartAsync(("DataDirectory", data));
        await using var other = await ServerProcess.StartAsync(("DataDirectory", data));
        var users = new List<ServerUser>();
        for (var i = 0; i < 8; i++)
            users.Add(await ServerUser.SignUpAsync(i % 2 == 0 ? one : other, Token));
        var versions = Versions();
        await Task.WhenAll(users.Select(async (u, i) =>
        {
            for (var change = 0; change < changes; change++)
            {
                var answer = await u.Client.PutAsJsonAsync("/me", new { name = $"{i} {change}" }, Token);
                answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            }
        }));
        Versions().ShouldBe(versions.Select(v => v + changes));

        long[] Versions()
        {
            using var connection = Open(Path.Combine(data, "profiles.db"), "SELECT 1");
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT version FROM user_profiles ORDER BY user_id";
            using var rows = command.ExecuteReader();
            return [.. rows.Cast<System.Data.Common.DbDataRecord>().Select(r => r.GetInt64(0))];
        }
    }

    [Fact]
    public async Task On_a_full_disk_a_group_of_writes_is_507_as_a_whole_and_the_next_one_is_stored()
    {
        await using var disk = await SmallDisk.MountAsync(data, "size=8m");
        await using var server = await ServerProcess.StartAsync(("DataDirectory", data));
        var users = new ServerUser[6];
        for (var i = 0; i < users.Length; i++)
            users[i] = await ServerUser.SignUpAsync(server, Token);
        var filler = Path.Combine(data, "filler");
        Fill(filler);
        foreach (var answer in await Task.WhenAll(users.Select(PutAsync)))
            await answer.ShouldBeProblemAsync((HttpStatusCode)507);
        // A change of the address is a transaction of its own, whose failure gives the turn back.
        var change = new { email = "other@example.com", current_password = "correct horse battery staple" };
        await (await users[0].Client.PutAsJsonAsync("/me", change, Token)).ShouldBeProblemAsync((HttpStatusCode)507);
        File.Delete(filler);
        foreach (var user in users)
        {
            var me = await (await user.Client.GetAsync("/me", Token)).ShouldBeAsync(HttpStatusCode.OK);
            me.GetProperty("bio").GetString().ShouldBeNull();
        }
        (await Task.WhenAll(users.Select(PutAsync))).ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);

        static Task<HttpResponseMessage> PutAsync(ServerUser user) =>
            user.Client.PutAsJsonAsync("/me", new { bio = new string('b', 500) }, Token);
    }

    static void Fill(string path)
    {
        using var file = File.Create(path);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // The disk is full.
        }
    }

    /// <summary>A connection that has run a statement; disposing it rolls its transaction back.</summary>
    internal static SqliteConnection Open(string file, string sql)
    {
        var connection = new SqliteConnection($"Data Source={file};Pooling=false;Default Timeout=1");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
        return connection;
    }

    static async Task ShouldBe503Async(Func<Task<HttpResponseMessage>> ask)
    {
        var watch = Stopwatch.StartNew();
        var answer = await ask();
        watch.Elapsed.ShouldBeLessThan(Deadline + Grace);
        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
        answer.Headers.RetryAfter.ShouldNotBeNull();
    }
}
