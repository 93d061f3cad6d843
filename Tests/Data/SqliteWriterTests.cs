using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>A database whose lock the tests take.</summary>
public sealed class WriterFixture : ProfilesFixture
{
    protected override void ConfigureApp(IWebHostBuilder a)
    {
        base.ConfigureApp(a);
        // No write of these tests times out.
        a.UseSetting("Database:Timeout", "00:01:00");
    }
}

/// <summary>Writes that arrive while the file cannot be written are one group once it can.</summary>
[Trait("Database", "Sqlite"), Collection(nameof(Alone))]
public sealed class SqliteWriterTests(WriterFixture app) : TestBase<WriterFixture>
{
    [Fact]
    public async Task Waiting_writes_share_a_commit_and_all_are_stored()
    {
        var clients = await SignUpAsync(24);
        var before = Commits();
        var answers = await Task.WhenAll(await WhileLockedAsync(clients.Select((c, i) => Put(c, new { name = $"Shared {i}" }))));
        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);
        // The service may have written something of its own meanwhile.
        (Commits() - before).ShouldBeInRange(1, 4);
        for (var i = 0; i < clients.Length; i++)
            (await NameAsync(clients[i])).ShouldBe($"Shared {i}");
    }

    [Fact]
    public async Task A_refused_write_leaves_the_others_of_its_group_and_nothing_of_itself()
    {
        var username = $"u{Guid.NewGuid():N}"[..20];
        var clients = await SignUpAsync(8);
        var changes = clients.Select((c, i) =>
            i is 3 or 4 ? Put(c, new { name = "Wants it", username }) : Put(c, new { name = $"Other {i}" }));
        var answers = await Task.WhenAll(await WhileLockedAsync(changes));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(7);
        await answers.Single(a => a.StatusCode != HttpStatusCode.OK).ShouldBeProblemAsync(HttpStatusCode.Conflict);
        var names = await Task.WhenAll(clients.Select(NameAsync));
        names.Count(n => n == "Wants it").ShouldBe(1);
        names.Count(n => n.StartsWith("Other ", StringComparison.Ordinal)).ShouldBe(6);
        names.Count(n => n == "John Doe").ShouldBe(1);
    }

    [Fact]
    public async Task A_write_whose_client_leaves_while_it_waits_is_not_done()
    {
        var clients = await SignUpAsync(2);
        using var leaving = new CancellationTokenSource();
        await WhileLockedAsync([_ => clients[0].PutAsJsonAsync("/me", new { name = "Left" }, leaving.Token)], async sent =>
        {
            await leaving.CancelAsync();
            // It ends while the lock is held.
            (await Task.WhenAny(sent[0], Task.Delay(TimeSpan.FromSeconds(10), Cancellation))).ShouldBe(sent[0]);
        });
        // First come, first served: what queued before this one has had its turn.
        (await Put(clients[1], new { name = "Next" })(Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await NameAsync(clients[0])).ShouldBe("John Doe");
    }

    [Fact]
    public async Task A_write_beyond_the_queue_is_503_at_once()
    {
        const int surplus = 20;
        var clients = await SignUpAsync(4);
        using var leaving = new CancellationTokenSource();
        var requests = Enumerable.Range(0, SqliteWriter.QueueLimit + surplus).Select(i => Put(clients[i % 4], new { bio = $"{i}" }))
            .Select(put => (Func<CancellationToken, Task<HttpResponseMessage>>)(_ => put(leaving.Token)));
        var sent = await WhileLockedAsync(requests, async sent =>
        {
            var refused = sent.Where(w => w.IsCompleted).ToArray();
            // The service may have written something of its own meanwhile.
            refused.Length.ShouldBeInRange(surplus, surplus + 5);
            foreach (var answer in await Task.WhenAll(refused))
            {
                await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
                answer.Headers.RetryAfter.ShouldNotBeNull();
            }
            await leaving.CancelAsync();
        });
        await Task.WhenAll(sent).ContinueWith(_ => { }, TaskScheduler.Default);
        (await Put(clients[0], new { bio = "Next" })(Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Writers_of_one_process_never_find_the_file_locked()
    {
        var clients = await SignUpAsync(6);
        var locked = 0;
        void Count(object? _, FirstChanceExceptionEventArgs e) =>
            locked += e.Exception is SqliteException { SqliteErrorCode: 5 or 6 } ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            // Changes in groups, beside transactions of their own: a new address, an image, the end of the other sessions.
            await Task.WhenAll(clients.Select(async (client, i) =>
            {
                for (var round = 0; round < 10; round++)
                {
                    (await Put(client, new { name = $"{i} {round}" })(Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
                    var email = $"{Guid.NewGuid():N}@example.com";
                    (await Put(client, new { email, current_password = "correct horse battery staple" })(Cancellation))
                        .StatusCode.ShouldBe(HttpStatusCode.OK);
                    (await client.DeleteAsync("/me/sessions", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
                    (await client.UploadAsync(TestImage.Png(16, 16, 1, 2, 3), Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
                }
            }));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }
        locked.ShouldBe(0);
    }

    async Task<HttpClient[]> SignUpAsync(int users)
    {
        var clients = new HttpClient[users];
        for (var i = 0; i < users; i++)
            clients[i] = app.ClientFor(await app.CreateUserAsync());
        // The mails to them are writes, too.
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(Cancellation)))
            await Task.Delay(50, Cancellation);
        return clients;
    }

    static Func<CancellationToken, Task<HttpResponseMessage>> Put<T>(HttpClient client, T change) =>
        ct => client.PutAsJsonAsync("/me", change, ct);

    async Task<string> NameAsync(HttpClient client) =>
        (await (await client.GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString()!;

    // Another connection has the lock until the requests wait or are answered, and until the check has ended.
    async Task<Task<HttpResponseMessage>[]> WhileLockedAsync(
        IEnumerable<Func<CancellationToken, Task<HttpResponseMessage>>> requests, Func<Task<HttpResponseMessage>[], Task>? check = null)
    {
        using (SqliteFaultTests.Open(File("profiles.db"), "BEGIN IMMEDIATE"))
        {
            var sent = requests.Select(r => Task.Run(() => r(Cancellation), Cancellation)).ToArray();
            while (Writer.Waiting + sent.Count(s => s.IsCompleted) < sent.Length)
                await Task.Delay(20, Cancellation);
            if (check is not null)
                await check(sent);
            return sent;
        }
    }

    SqliteWriter Writer => ((SqliteEngine)app.Services.GetRequiredService<DatabaseEngine>()).Writer;

    string File(string name) => Path.Combine(app.Root, "data", name);

    // The commits in the write-ahead log (https://www.sqlite.org/fileformat2.html#walformat): the last frame of each says how large the
    // database is after it.
    int Commits()
    {
        using var file = new FileStream(File("profiles.db-wal"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var log = new byte[file.Length];
        file.ReadExactly(log);
        var (frame, commits) = (24 + BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(8)), 0);
        // Later frames, of an earlier round through the log, have other salts.
        for (var at = 32; at + frame <= log.Length && log.AsSpan(at + 8, 8).SequenceEqual(log.AsSpan(16, 8)); at += frame)
            commits += BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(at + 4)) != 0 ? 1 : 0;
        return commits;
    }
}
