using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Npgsql;

namespace Profiles.Tests.Data;

/// <summary>PostgreSQL fails in many ways; each test has its own cluster and service.</summary>
[Trait("Database", "PostgreSql"), Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class PostgreSqlFaultTests
{
    const string Password = "plum-tram-94";

    /// <summary>The shortest deadline that can be set.</summary>
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    // Other tests may keep the machine busy.
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    static readonly TimeSpan BackWithin = TimeSpan.FromSeconds(5);

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_that_starts_before_its_database_answers_503_until_the_database_is_up()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        string token;
        await using (var before = await StartAsync(database))
            token = await JoinAsync(before);
        await cluster.StopAsync();

        await using var server = await StartWithoutDatabaseAsync(database);
        await ShouldBeAwayAsync(server, token);
        // Routes without the database still work; a token that cannot be checked is a 503, not a 401.
        (await server.Client.GetAsync("/nothing/here", Token)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await server.Client.GetAsync("/openapi/v1.json", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await cluster.StartAgainAsync();
        await ShouldBeBackAsync(server, token);
    }

    [Fact]
    public async Task An_empty_database_that_was_down_at_the_start_is_migrated_once_it_is_up()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        await cluster.StopAsync();
        await using var server = await StartWithoutDatabaseAsync(database);
        await ShouldBe503Async(() => RegisterAsync(server, Fresh()));
        await ShouldBe503Async(() =>
            server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = Password }, Token));

        await cluster.StartAgainAsync();
        (await EventuallyAsync(() => RegisterAsync(server, Fresh()))).ShouldBe(HttpStatusCode.Created);
        await ShouldBeBackAsync(server, await JoinAsync(server));
    }

    [Theory]
    [InlineData("Password=wrong-hidden")]
    [InlineData("")]
    public async Task A_wrong_or_missing_password_stops_the_start_with_a_message(string password)
    {
        var rules = Path.Combine(TemporaryDirectory.Make("rules"), "pg_hba.conf");
        await File.WriteAllTextAsync(rules, "host all profiles 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n", Token);
        // The PostgreSQL server runs as another user.
        File.SetUnixFileMode(Path.GetDirectoryName(rules)!,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(rules, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await using var cluster = await PostgreSqlCluster.StartAsync($"hba_file={rules}");
        cluster.Execute("CREATE ROLE service LOGIN PASSWORD 'right'");
        var (exitCode, output) =
            await ServerProcess.RefuseAsync(("ConnectionStrings__Profiles", $"{cluster.ConnectionString()};Username=service;{password}"));
        exitCode.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
            .ShouldStartWith("Profiles cannot start: The database cannot be used (ConnectionStrings__Profiles");
        output.ShouldNotContain("hidden");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_role_that_may_not_write_stops_the_start_with_a_message()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        await using (await StartAsync(database, ("Jwt__SigningKey", "a-key-that-no-row-is-needed-for-8Zx3Qm")))
            cluster.Execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
                new NpgsqlConnectionStringBuilder(database).Database!);
        var (exitCode, output) = await ServerProcess.RefuseAsync(("ConnectionStrings__Profiles", $"{database};Username=reader"));
        exitCode.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
            .ShouldStartWith("Profiles cannot start: The database cannot be used (ConnectionStrings__Profiles");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_request_that_timed_out_on_a_row_lock_does_not_wait_again_to_clean_up()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        var patience = TimeSpan.FromSeconds(10);
        await using var server =
            await ServerProcess.StartAsync(("ConnectionStrings__Profiles", database), ("Database__Timeout", patience.ToString()));
        var token = await JoinAsync(server);
        await using (var holder = new NpgsqlConnection($"{database};Pooling=false;Application Name=test"))
        {
            await holder.OpenAsync(Token);
            await using var transaction = await holder.BeginTransactionAsync(Token);
            await using var locks = new NpgsqlCommand("SELECT * FROM user_profiles FOR UPDATE", holder, transaction);
            await locks.ExecuteNonQueryAsync(Token);
            // The request reads the user, stores the image and then waits for the row lock.
            var watch = Stopwatch.StartNew();
            var answer = await UploadAsync(server, token);
            watch.Elapsed.ShouldBeLessThan(patience);
            await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable);
            answer.Headers.RetryAfter.ShouldNotBeNull();
        }
        (await UploadAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await ShownAsync(server, token);
    }

    [Theory]
    [InlineData("Database=nowhere")]
    [InlineData("Username=nobody")]
    public async Task A_missing_database_or_role_stops_the_start_with_a_message(string wrong)
    {
        var database = $"{TestDatabase.Cluster.ConnectionString()};{wrong};Password=hidden";
        var (exitCode, output) = await ServerProcess.RefuseAsync(("ConnectionStrings__Profiles", database));
        exitCode.ShouldBe(1);
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]
            .ShouldStartWith("Profiles cannot start: The database cannot be used (ConnectionStrings__Profiles");
        output.ShouldNotContain("hidden");
        output.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public async Task A_database_that_goes_down_is_503_meanwhile_and_no_request_fails_after_it_is_back(string how)
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        await using var server = await StartAsync(cluster.CreateDatabase());
        var token = await JoinAsync(server);
        // Opens several pooled connections, all of which die.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => MeAsync(server, token)));

        await (how == "stopped" ? cluster.StopAsync() : cluster.KillAsync());
        await ShouldBeAwayAsync(server, token);
        await cluster.StartAgainAsync();
        await ShouldBeBackAsync(server, token);

        // Without a request during the outage: the first request afterwards must not get a dead connection.
        await (how == "stopped" ? cluster.StopAsync() : cluster.KillAsync());
        await cluster.StartAgainAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), Token);
        await Task.WhenAll(Enumerable.Range(0, 5)
            .Select(async _ => (await RegisterAsync(server, Fresh())).StatusCode.ShouldBe(HttpStatusCode.Created)));
    }

    [Theory]
    [InlineData("Disable")]
    [InlineData("Prefer")]
    public async Task A_frozen_database_is_503_within_the_deadline_and_works_again_once_it_resumes(string tls)
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        await using var server = await StartAsync($"{cluster.CreateDatabase()};SSL Mode={tls}", ("Passwords__WorkFactor", "10"));
        var token = await JoinAsync(server);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => MeAsync(server, token)));
        await cluster.FreezeAsync();

        // More requests than connections: the last ones wait for a connection too.
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ => await ShouldBe503Async(() => MeAsync(server, token))));
        await ShouldBe503Async(() => RegisterAsync(server, Fresh()));
        await ShouldBe503Async(() =>
            server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = Password }, Token));
        await ShouldBe503Async(() => PutAsync(server, token, "Frozen"));
        await ShouldBe503Async(() => UploadAsync(server, token));
        await ShouldBeAwayAsync(server, token);

        await cluster.ThawAsync();
        await ShouldBeBackAsync(server, token);
        await ShouldNotLeakAsync(cluster);
    }

    [Fact]
    public async Task A_read_on_a_dead_connection_is_retried_on_another()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        await using var server = await StartAsync(cluster.CreateDatabase());
        var token = await JoinAsync(server);
        for (var round = 0; round < 5; round++)
        {
            (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
            cluster.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                + "WHERE application_name = 'profiles' AND query LIKE '%user_profiles%'");
            (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task While_other_clients_hold_all_connections_it_is_503_and_recovers_afterwards()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync("max_connections=20", "superuser_reserved_connections=3");
        var database = cluster.CreateDatabase();
        cluster.Execute("CREATE ROLE service LOGIN");
        cluster.Execute("GRANT ALL ON SCHEMA public TO service", new NpgsqlConnectionStringBuilder(database).Database!);
        var asService = new NpgsqlConnectionStringBuilder(database) { Username = "service" }.ToString();
        await using var server = await StartAsync(asService);
        var token = await JoinAsync(server);

        var taken = new List<NpgsqlConnection>();
        // The service may connect again before all are taken.
        do
            await TakeAllAsync(database, taken);
        while (await EndServiceAsync(taken[0]) > 0);
        taken.Count.ShouldBeGreaterThan(5);
        await ShouldBeAwayAsync(server, token);
        foreach (var connection in taken)
            await connection.DisposeAsync();
        await ShouldBeBackAsync(server, token);
    }

    static async Task TakeAllAsync(string database, List<NpgsqlConnection> taken)
    {
        try
        {
            while (true)
            {
                var connection = new NpgsqlConnection($"{database};Pooling=false");
                await connection.OpenAsync(Token);
                taken.Add(connection);
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            // All are taken.
        }
    }

    static async Task<long> EndServiceAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'profiles'", connection);
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    [Fact]
    public async Task When_the_pool_is_exhausted_it_is_503_within_the_deadline_and_nothing_leaks()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        await using var server = await StartAsync($"{database};Maximum Pool Size=3");
        var token = await JoinAsync(server);
        await using (var holder = new NpgsqlConnection($"{database};Pooling=false"))
        {
            await holder.OpenAsync(Token);
            await using var transaction = await holder.BeginTransactionAsync(Token);
            await using var locks = new NpgsqlCommand("LOCK TABLE user_profiles IN ACCESS EXCLUSIVE MODE", holder, transaction);
            await locks.ExecuteNonQueryAsync(Token);
            for (var round = 0; round < 2; round++)
                await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ShouldBe503Async(() => MeAsync(server, token))));
        }
        await ShouldBeBackAsync(server, token);
        for (var i = 0; i < 50; i++)
            (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await ShouldNotLeakAsync(cluster, 3);
    }

    [Fact]
    public async Task When_the_server_is_killed_no_acknowledged_write_is_lost_and_none_is_applied_twice()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync("max_connections=100");
        var database = cluster.CreateDatabase();
        await using var server = await StartAsync(database);
        var token = await JoinAsync(server);
        var (acknowledged, uncertain) = (0, 0);
        // Later and later, then early, until one was under way: a fast machine has answered all of them.
        for (var round = 0; round < 3 || (uncertain == 0 && round < 10); round++)
        {
            var emails = Enumerable.Range(0, 12).Select(_ => Fresh()).ToArray();
            var renames = 0;
            using var stop = new CancellationTokenSource();
            var renaming = Task.Run(
                async () =>
                {
                    var last = "";
                    while (!stop.IsCancellationRequested)
                    {
                        var name = $"Name {round} {renames++}";
                        var answer = await PutAsync(server, token, name);
                        if (answer.StatusCode == HttpStatusCode.OK)
                            last = name;
                        else
                            answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
                    }
                    return last;
                },
                Token);
            var registrations = emails.Select(async email => (email, (await RegisterAsync(server, email)).StatusCode)).ToArray();
            await Task.Delay(round < 3 ? 250 + (round * 150) : 100, Token);
            await cluster.KillAsync();
            await stop.CancelAsync();
            var lastName = await renaming;
            await cluster.StartAgainAsync();
            foreach (var (email, status) in await Task.WhenAll(registrations))
            {
                status.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.ServiceUnavailable);
                _ = status == HttpStatusCode.Created ? acknowledged++ : uncertain++;
                // The client retries: there is one account, whether or not the first request was applied.
                var again = await EventuallyAsync(() => RegisterAsync(server, email));
                again.ShouldBeOneOf(status == HttpStatusCode.Created
                    ? [HttpStatusCode.Conflict]
                    : [HttpStatusCode.Created, HttpStatusCode.Conflict]);
                Scalar(database, $"SELECT count(*) FROM users JOIN user_profiles ON user_id = id WHERE normalized_email = '{email}'")
                    .ShouldBe(1L);
            }
            // A later write may be applied without an answer; an earlier value must not come back.
            var shown =
                (string)Scalar(database, "SELECT name FROM user_profiles JOIN users ON user_id = id WHERE email = 'john@example.com'")!;
            if (lastName.Length > 0)
                Number(shown).ShouldBeGreaterThanOrEqualTo(Number(lastName));
        }
        acknowledged.ShouldBeGreaterThan(0);
        uncertain.ShouldBeGreaterThan(0);

        static int Number(string name) => int.Parse(name.Split(' ')[^1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_answer_is_lost_is_503_and_is_not_applied_twice(bool arrives)
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        await using var line = new CuttingProxy(new NpgsqlConnectionStringBuilder(database).Port);
        var proxied = new NpgsqlConnectionStringBuilder(database) { Port = line.Port, SslMode = SslMode.Disable };
        await using var server = await StartAsync(proxied.ToString(), ("Images__Grace", "00:00:01"));
        var token = await JoinAsync(server);
        var email = Fresh();

        // Waits for the outbox, so that the next commit is the request's.
        await ShouldBeSettledAsync(server);
        line.CutNextCommit(arrives);
        await ShouldBe503Async(() => RegisterAsync(server, email));
        Scalar(database, $"SELECT count(*) FROM users WHERE email = '{email}'").ShouldBe(arrives ? 1L : 0L);
        (await RegisterAsync(server, email)).StatusCode.ShouldBe(arrives ? HttpStatusCode.Conflict : HttpStatusCode.Created);
        Scalar(database, $"SELECT count(*) FROM users JOIN user_profiles ON user_id = id WHERE email = '{email}'").ShouldBe(1L);

        // The image that the profile shows loads, whether or not the commit arrived, and there is one file.
        (await UploadAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var before = await ShownAsync(server, token);
        await ShouldBeSettledAsync(server);
        line.CutNextCommit(arrives);
        await ShouldBe503Async(() => UploadAsync(server, token, 9));
        var after = await ShownAsync(server, token);
        (after != before).ShouldBe(arrives);
        // One image with its variants; the outbox deletes what the lost answer left.
        await ShouldKeepAsync(server, 4);
        await ShouldBeSettledAsync(server);

        line.CutNextCommit(arrives);
        await ShouldBe503Async(() => SendAsync(server, token, HttpMethod.Delete, "/me/upload-image", null));
        (await SendAsync(server, token, HttpMethod.Delete, "/me/upload-image", null))
            .StatusCode.ShouldBe(arrives ? HttpStatusCode.NotFound : HttpStatusCode.OK);
        await ShouldKeepAsync(server, 0);
    }

    static async Task ShouldBeSettledAsync(ServerProcess server)
    {
        // The readiness answer is cached for a second.
        await Task.Delay(1100, Token);
        var patience = Stopwatch.StartNew();
        int pending;
        while ((pending = (await (await server.Client.GetAsync("/health/ready", Token)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("pending").GetInt32()) != 0 && patience.Elapsed < TimeSpan.FromSeconds(60))
            await Task.Delay(50, Token);
        pending.ShouldBe(0);
    }

    static async Task ShouldKeepAsync(ServerProcess server, int files)
    {
        var patience = Stopwatch.StartNew();
        int kept;
        while ((kept = Directory.GetFiles(Path.Combine(server.Directory, "static", "profile")).Length) != files
            && patience.Elapsed < TimeSpan.FromSeconds(60))
            await Task.Delay(50, Token);
        kept.ShouldBe(files);
    }

    static Task<ServerProcess> StartWithoutDatabaseAsync(string database) =>
        ServerProcess.StartWithoutDatabaseAsync(("ConnectionStrings__Profiles", database), ("Database__Timeout", Deadline.ToString()));

    static Task<ServerProcess> StartAsync(string database, params (string, string)[] settings) =>
        ServerProcess.StartAsync([("ConnectionStrings__Profiles", database), ("Database__Timeout", Deadline.ToString()), .. settings]);

    static async Task ShouldBeAwayAsync(ServerProcess server, string token)
    {
        await ShouldBe503Async(() => MeAsync(server, token));
        await ShouldBe503Async(() => RegisterAsync(server, Fresh()));
        // The image's key is in the database.
        await ShouldBe503Async(() => server.Client.GetAsync("/static/profile/1.jpg?v=00000000000000000000000000000000", Token));
        (await server.Client.GetAsync("/health/live", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await Task.Delay(1100, Token);
        var ready = await ShouldBe503Async(() => server.Client.GetAsync("/health/ready", Token));
        ready.GetProperty("checks").GetProperty("database").GetString().ShouldBe("failed");
        ready.GetProperty("checks").GetProperty("image_storage").GetString().ShouldBe("ok");
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

    // Once one request succeeds, all of them do.
    static async Task ShouldBeBackAsync(ServerProcess server, string token)
    {
        var watch = Stopwatch.StartNew();
        while ((await server.Client.GetAsync("/health/ready", Token)).StatusCode != HttpStatusCode.OK)
        {
            watch.Elapsed.ShouldBeLessThan(BackWithin);
            await Task.Delay(50, Token);
        }
        watch.Elapsed.ShouldBeLessThan(BackWithin);
        foreach (var _ in Enumerable.Range(0, 3))
            (await RegisterAsync(server, Fresh())).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await MeAsync(server, token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await PutAsync(server, token, "Back")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    // The pool, and the connection that waits for the server to end.
    static async Task ShouldNotLeakAsync(PostgreSqlCluster cluster, int pool = 25)
    {
        await Task.Delay(500, Token);
        ((long)Scalar(cluster.ConnectionString(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'profiles'")!)
            .ShouldBeLessThanOrEqualTo(pool);
    }

    static async Task<HttpStatusCode> EventuallyAsync(Func<Task<HttpResponseMessage>> ask)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var status = (await ask()).StatusCode;
            if (status != HttpStatusCode.ServiceUnavailable)
                return status;
            watch.Elapsed.ShouldBeLessThan(BackWithin);
            await Task.Delay(100, Token);
        }
    }

    static object? Scalar(string database, string sql)
    {
        using var connection = new NpgsqlConnection($"{database};Pooling=false;Application Name=test");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    static string Fresh() => $"user-{Guid.NewGuid():N}@example.com";

    static Task<HttpResponseMessage> RegisterAsync(ServerProcess server, string email) =>
        server.Client.PostAsJsonAsync("/register", new { name = "John", email, password = Password }, Token);

    static async Task<string> JoinAsync(ServerProcess server)
    {
        (await RegisterAsync(server, "john@example.com")).EnsureSuccessStatusCode();
        var login = await server.Client.PostAsJsonAsync("/login", new { email = "john@example.com", password = Password }, Token);
        return (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
    }

    static Task<HttpResponseMessage> MeAsync(ServerProcess server, string token) => SendAsync(server, token, HttpMethod.Get, "/me", null);

    static Task<HttpResponseMessage> PutAsync(ServerProcess server, string token, string name) =>
        SendAsync(server, token, HttpMethod.Put, "/me", JsonContent.Create(new { name }));

    static Task<HttpResponseMessage> UploadAsync(ServerProcess server, string token, int width = 8) =>
        SendAsync(server, token, HttpMethod.Post, "/me/upload-image",
            new MultipartFormDataContent { { new ByteArrayContent(TestImage.Png(width, 8, 255, 0, 0)), "image", "me.png" } });

    // The image URL that the profile shows, which must load the image in the row.
    static async Task<string> ShownAsync(ServerProcess server, string token)
    {
        var url = (await (await MeAsync(server, token)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()!;
        var response = await server.Client.GetAsync(url, Token);
        response.Headers.CacheControl!.ToString().ShouldContain("immutable");
        Jpeg.Read(await response.Content.ReadAsByteArrayAsync(Token)).Height.ShouldBe(8);
        return url;
    }

    static async Task<HttpResponseMessage> SendAsync(ServerProcess server, string token, HttpMethod method, string path,
        HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { Authorization = new("Bearer", token) }, Content = content };
        return await server.Client.SendAsync(request, Token);
    }

    /// <summary>A TCP proxy to PostgreSQL that can cut the connection after or before a commit arrives.</summary>
    sealed class CuttingProxy : IAsyncDisposable
    {
        readonly TcpListener listener = new(IPAddress.Loopback, 0);
        readonly CancellationTokenSource ended = new();
        readonly Task accepting;
        int cut;

        public CuttingProxy(int server)
        {
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
            accepting = AcceptAsync(server);
        }

        public int Port { get; }

        public void CutNextCommit(bool arrives) => Volatile.Write(ref cut, arrives ? 1 : 2);

        public async ValueTask DisposeAsync()
        {
            await ended.CancelAsync();
            await accepting;
            listener.Stop();
            ended.Dispose();
        }

        sealed class Line
        {
            public volatile bool IsSilent;
        }

        async Task AcceptAsync(int server)
        {
            var lines = new List<Task>();
            try
            {
                while (true)
                    lines.Add(CarryAsync(await listener.AcceptTcpClientAsync(ended.Token), server));
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(lines);
            }
        }

        async Task CarryAsync(TcpClient client, int server)
        {
            using var inner = client;
            using var outer = new TcpClient { NoDelay = true };
            await outer.ConnectAsync(IPAddress.Loopback, server);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ended.Token);
            var line = new Line();
            await Task.WhenAny(PassAsync(line, inner, outer, isRequest: true, both.Token),
                PassAsync(line, outer, inner, isRequest: false, both.Token));
            // Closes with a reset, like a broken connection.
            inner.LingerState = new(true, 0);
            await both.CancelAsync();
        }

        async Task PassAsync(Line line, TcpClient from, TcpClient to, bool isRequest, CancellationToken ct)
        {
            var buffer = new byte[65536];
            try
            {
                int count;
                while ((count = await from.GetStream().ReadAsync(buffer, ct)) > 0)
                {
                    var cutHere = isRequest && buffer.AsSpan(0, count).IndexOf("Q\0\0\0\u000BCOMMIT\0"u8) >= 0
                        ? Interlocked.Exchange(ref cut, 0)
                        : 0;
                    if (cutHere != 2 && !(line.IsSilent && !isRequest))
                        await to.GetStream().WriteAsync(buffer.AsMemory(0, count), ct);
                    if (cutHere == 0)
                        continue;
                    // Gives the server time to commit; its answer is dropped.
                    line.IsSilent = true;
                    await Task.Delay(200, ct);
                    return;
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                // One end has closed.
            }
        }
    }
}
