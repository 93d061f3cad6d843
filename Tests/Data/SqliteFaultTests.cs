using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>Another process holds the lock of the SQLite file.</summary>
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
