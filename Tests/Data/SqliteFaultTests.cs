using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>An SQLite file that another process has locked.</summary>
[Trait("Database", "Sqlite"), Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class SqliteFaultTests
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // The machine may be busy with other tests.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    readonly string data = TemporaryDirectory.Make("data");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_another_holds_the_lock_writes_are_503_within_the_deadline_and_reads_go_on()
    {
        await using var server = await ServerProcess.StartAsync(("DataDirectory", data), ("Database__Timeout", Deadline.ToString()));
        using var user = await ServerUser.SignUpAsync(server, Token);
        using (Open(Path.Combine(data, "profiles.db"), "BEGIN EXCLUSIVE"))
        {
            // As many as would take every thread there is.
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
            // Without a queue for the writers it is the whole deadline and more.
            slowest.ShouldBeLessThan(TimeSpan.FromSeconds(2));
            // It only reads: who waits for a writer is not taken out of a balancer for it.
            (await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("status").GetString().ShouldBe("ok");
        }
        (await PutAsync("Free")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await server.Client.GetAsync("/health/ready", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);

        Task<HttpResponseMessage> PutAsync(string name) => user.Client.PutAsJsonAsync("/me", new { name }, Token);
    }

    /// <summary>A connection that has run a statement, and takes its transaction back when it ends.</summary>
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
