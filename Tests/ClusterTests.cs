using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace Profiles.Tests;

/// <summary>
/// Runs three instances on one PostgreSQL behind HAProxy under mixed load and kills one of them every few seconds. They share one image
/// directory and nothing else. <c>./dev try cluster</c> runs the same for longer.
/// </summary>
[Trait("Database", "PostgreSql"), Collection(nameof(Alone))]
[Trait("Needs", "Process")]
public sealed class ClusterTests(ITestOutputHelper output)
{
    const int Workers = 6, Painters = 3, Registrars = 2;

    static readonly TimeSpan Duration =
        TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("PROFILES_TRIAL_SECONDS") ?? "20", CultureInfo.InvariantCulture));

    // Keeps the load moderate: the instances, the database and this test share a machine.
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    static CancellationToken Token => TestContext.Current.CancellationToken;

    readonly ConcurrentDictionary<string, int> answers = new();
    readonly string images = TemporaryDirectory.Make("images");
    int rounds;

    [Fact]
    public async Task Nothing_that_was_acknowledged_is_lost_while_instances_are_killed()
    {
        await using var cluster = await PostgreSqlCluster.StartAsync();
        var database = cluster.CreateDatabase();
        await using var proxy = new Proxy(instances: 3);
        var instances = await Task.WhenAll(proxy.Instances.Select(address => StartAsync(database, proxy, address)));
        // A new connection for each request: HttpClient sends a DELETE again when a reused connection closes without an answer.
        var connections = new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.Zero };
        using var client = new HttpClient(new DocumentedAnswers { InnerHandler = new ProxyAnswers { InnerHandler = connections } })
        {
            BaseAddress = proxy.Address,
            Timeout = TimeSpan.FromSeconds(20),
        };
        using var end = new CancellationTokenSource();
        var killing = Task.FromResult(0);
        try
        {
            await proxy.StartAsync(client);
            end.CancelAfter(Duration);
            killing = KillInTurnAsync(instances, address => StartAsync(database, proxy, address), end.Token);

            // Some clients have a user of their own, several share one, and pairs register the same address at once.
            var owners = await Task.WhenAll(Enumerable.Range(0, Workers).Select(i => JoinAsync(client, $"owner-{i}@example.com")));
            var shared = await JoinAsync(client, "shared@example.com");
            var working = owners.Select((owner, i) => WorkAsync(client, owner, new Random(i), end.Token)).ToArray();
            var painting = Enumerable.Range(0, Painters).Select(i => PaintAsync(client, shared, i, end.Token)).ToArray();
            var registering = Enumerable.Range(0, Registrars)
                .Select(i => RegisterInPairsAsync(client, proxy.Instances, i, database, end.Token)).ToArray();
            await Task.WhenAll([.. working, .. painting, .. registering]);
            var kills = await killing;

            // A live instance publishes or deletes what a killed one left behind.
            for (var i = 0; i < instances.Length; i++)
            {
                await instances[i].DisposeAsync();
                instances[i] = await StartAsync(database, proxy, proxy.Instances[i]);
            }
            var (expected, keys) = (new List<string>(), new Dictionary<string, string>());
            foreach (var user in owners.Append(shared))
            {
                foreach (var instance in instances)
                    await CheckAsync(instance.Client, user);
                if (user.Shown is null)
                    continue;
                var key = (string)Scalar(database,
                    FormattableString.Invariant($"SELECT image_key FROM user_profiles WHERE user_id = {user.Id}"))!;
                keys[$"{user.Id}.jpg"] = key;
                expected.AddRange([$"{user.Id}.jpg", .. ((string[])["96", "256", "512"]).Select(side => $"{user.Id}_{side}.{key}.jpg")]);
            }
            await FilesShouldBeAsync(expected);
            foreach (var (file, key) in keys)
                Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(images, "profile", file), Token)))
                    .ShouldStartWith(key);
            Scalar(database, "SELECT count(*) - count(DISTINCT normalized_email) FROM users").ShouldBe(0L);
            Scalar(database, "SELECT count(*) FROM users LEFT JOIN user_profiles ON user_id = id WHERE user_id IS NULL").ShouldBe(0L);
            Scalar(database, "SELECT count(*) FROM signing_keys").ShouldBe(1L);

            // A busy machine starts instances slowly and manages fewer kills.
            kills.ShouldBeGreaterThanOrEqualTo((int)Duration.TotalSeconds / 15);
            rounds.ShouldBeGreaterThan(2);
            output.WriteLine($"{Duration.TotalSeconds:0} s, 3 instances, {kills} kills, {answers.Values.Sum()} requests, " +
                $"{rounds} addresses wanted by two at once, " +
                $"{owners.Sum(o => o.Acknowledged) + shared.Acknowledged} writes acknowledged and found");
            foreach (var (answer, count) in answers.OrderBy(a => a.Key, StringComparer.Ordinal))
                output.WriteLine($"{count,8}  {answer}");
        }
        finally
        {
            await end.CancelAsync();
            await killing;
            foreach (var instance in instances)
                await instance.DisposeAsync();
        }
    }

    /// <summary>A user, and what the profile may show: acknowledged changes and unanswered ones.</summary>
    sealed class Known(long id, string token, string name)
    {
        public long Id => id;

        public string Token => token;

        public HashSet<string> Names { get; set; } = [name];

        /// <summary>The image address that was last seen or acknowledged; null for none.</summary>
        public string? Shown { get; set; }

        /// <summary>An upload or a deletion got no answer: the next read decides.</summary>
        public bool IsOpen { get; set; }

        public int Acknowledged { get; set; }
    }

    Task<ServerProcess> StartAsync(string database, Proxy proxy, Uri address) => ServerProcess.StartAsync(
        ("ASPNETCORE_URLS", address.GetLeftPart(UriPartial.Authority)), ("PublicBaseUrl", proxy.Address.GetLeftPart(UriPartial.Authority)),
        ("ConnectionStrings__Profiles", database),
        ("Images__Directory", images), ("Images__Grace", "00:00:05"), ("Logging__LogLevel__Default", "Error"));

    static async Task<int> KillInTurnAsync(ServerProcess[] instances, Func<Uri, Task<ServerProcess>> start, CancellationToken end)
    {
        var kills = 0;
        while (true)
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(2), end);
            }
            catch (OperationCanceledException)
            {
                return kills;
            }
            var i = kills++ % instances.Length;
            instances[i].Kill();
            var address = instances[i].Address;
            await instances[i].DisposeAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), Token);
            instances[i] = await start(address);
        }
    }

    async Task WorkAsync(HttpClient client, Known user, Random random, CancellationToken end)
    {
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            switch (random.Next(10))
            {
                case < 4:
                    await CheckAsync(client, user);
                    break;
                case < 7:
                    await RenameAsync(client, user, $"Name {n}");
                    break;
                case < 9:
                    await UploadAsync(client, user, random);
                    break;
                default:
                    await DeleteAsync(client, user);
                    break;
            }
            await Task.Delay(Pause, Token);
        }
        await CheckAsync(client, user);
    }

    async Task RenameAsync(HttpClient client, Known user, string name)
    {
        using var answer = await SendAsync(client, user, "rename", HttpMethod.Put, "/me", JsonContent.Create(new { name }));
        if (answer is null)
        {
            user.Names.Add(name);
            return;
        }
        await answer.ShouldBeAsync(HttpStatusCode.OK);
        user.Names = [name];
        user.Acknowledged++;
    }

    async Task UploadAsync(HttpClient client, Known user, Random random)
    {
        var image = TestImage.Png(8 + random.Next(8), 8, (byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
        using var answer = await SendAsync(client, user, "upload", HttpMethod.Post, "/me/upload-image",
            new MultipartFormDataContent { { new ByteArrayContent(image), "image", "me.png" } });
        if (answer is null)
        {
            user.IsOpen = true;
            return;
        }
        user.Shown = (await answer.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("image_url").GetString()!;
        user.IsOpen = false;
        user.Acknowledged++;
        await ImageShouldLoadAsync(client, user);
    }

    async Task DeleteAsync(HttpClient client, Known user)
    {
        using var answer = await SendAsync(client, user, "take down", HttpMethod.Delete, "/me/upload-image", null);
        if (answer is null)
        {
            user.IsOpen = true;
            return;
        }
        if (!user.IsOpen)
            answer.StatusCode.ShouldBe(user.Shown is null ? HttpStatusCode.NotFound : HttpStatusCode.OK);
        user.Shown = null;
        user.IsOpen = false;
        user.Acknowledged++;
    }

    // The profile shows the last acknowledged change or a later unanswered one.
    async Task CheckAsync(HttpClient client, Known user)
    {
        using var answer = await SendAsync(client, user, "read", HttpMethod.Get, "/me", null);
        if (answer is null)
            return;
        var me = await answer.ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("id").GetInt64().ShouldBe(user.Id);
        var (name, shown) = (me.GetProperty("name").GetString()!, me.GetProperty("image_url").GetString());
        user.Names.ShouldContain(name);
        user.Names = [name];
        if (!user.IsOpen)
            shown.ShouldBe(user.Shown);
        user.Shown = shown;
        user.IsOpen = false;
        if (shown is not null)
            await ImageShouldLoadAsync(client, user);
    }

    async Task ImageShouldLoadAsync(HttpClient client, Known user)
    {
        var address = new Uri(user.Shown!);
        using var answer = await SendAsync(client, user, "image", HttpMethod.Get, address.PathAndQuery, null);
        if (answer is null)
            return;
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        // Only content that the row names is immutable.
        answer.Headers.CacheControl!.ToString().ShouldContain("immutable");
        Jpeg.Read(await answer.Content.ReadAsByteArrayAsync(Token)).Width.ShouldBeInRange(8, 15);
    }

    // Several clients change one user at once: an answer holds for a moment only; at the end row, file and address must agree.
    async Task PaintAsync(HttpClient client, Known user, int painter, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var mine = new Known(user.Id, user.Token, "") { IsOpen = true };
            // A small choice makes two clients upload the same image at once.
            var image = TestImage.Png(8, 8, (byte)(painter % 2 * 255), 0, (byte)(Random.Shared.Next(3) * 100));
            using (var answer = await SendAsync(client, mine, "paint", HttpMethod.Post, "/me/upload-image",
                new MultipartFormDataContent { { new ByteArrayContent(image), "image", "me.png" } }))
            {
                if (answer is not null)
                    await answer.ShouldBeAsync(HttpStatusCode.OK);
            }
            await Task.Delay(Pause, Token);
            if (painter == 0)
            {
                using var gone = await SendAsync(client, mine, "unpaint", HttpMethod.Delete, "/me/upload-image", null);
                gone?.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
            }
        }
        user.IsOpen = true;
    }

    async Task RegisterInPairsAsync(HttpClient client, IReadOnlyList<Uri> instances, int registrar, string database, CancellationToken end)
    {
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            var email = $"pair-{registrar}-{n}@example.com";
            var body = new { name = "Pair", email, password = "plum-tram-94" };
            var pair = await Task.WhenAll(
                SendAsync(client, null, "register", HttpMethod.Post, new Uri(instances[n % 3], "/register").ToString(),
                    JsonContent.Create(body)),
                SendAsync(client, null, "register", HttpMethod.Post, new Uri(instances[(n + 1) % 3], "/register").ToString(),
                    JsonContent.Create(body)));
            var statuses = pair.Select(a => a?.StatusCode).ToArray();
            statuses.ShouldAllBe(s => s == null || s == HttpStatusCode.Created || s == HttpStatusCode.Conflict);
            statuses.Count(s => s == HttpStatusCode.Created).ShouldBeLessThanOrEqualTo(1);
            if (!statuses.Contains(null))
                statuses.ShouldBe([HttpStatusCode.Created, HttpStatusCode.Conflict], ignoreOrder: true);
            if (statuses.Contains(HttpStatusCode.Created))
                Scalar(database, $"SELECT count(*) FROM users JOIN user_profiles ON user_id = id WHERE email = '{email}'").ShouldBe(1L);
            Interlocked.Increment(ref rounds);
            // Leaves time for the other users.
            await Task.Delay(200, Token);
        }
    }

    // Returns null when the outcome is unknown: the instance was killed, or answered 503.
    async Task<HttpResponseMessage?> SendAsync(HttpClient client, Known? user, string what, HttpMethod method, string path,
        HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (user is not null)
            request.Headers.Authorization = new("Bearer", user.Token);
        try
        {
            var answer = await client.SendAsync(request, Token);
            answers.AddOrUpdate($"{what} {(int)answer.StatusCode}", 1, (_, n) => n + 1);
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
                return answer;
            answer.Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            // SocketException: the server was killed before the client had read its address.
            answers.AddOrUpdate($"{what} cut off", 1, (_, n) => n + 1);
        }
        return null;
    }

    static async Task<Known> JoinAsync(HttpClient client, string email)
    {
        while (true)
        {
            try
            {
                // A killed instance may have registered the user: 409 is as good.
                var registered = await client.PostAsJsonAsync("/register", new { name = "Name", email, password = "plum-tram-94" }, Token);
                var login = await client.PostAsJsonAsync("/login", new { email, password = "plum-tram-94" }, Token);
                if (registered.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict && login.StatusCode == HttpStatusCode.OK)
                {
                    var token = (await login.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("access_token").GetString()!;
                    using var me = new HttpRequestMessage(HttpMethod.Get, "/me") { Headers = { Authorization = new("Bearer", token) } };
                    return new((await (await client.SendAsync(me, Token)).ShouldBeAsync(HttpStatusCode.OK))
                        .GetProperty("id").GetInt64(), token, "Name");
                }
            }
            catch (Exception e) when (e is HttpRequestException or ShouldAssertException)
            {
                await Task.Delay(200, Token);
            }
        }
    }

    // The outbox picks up interrupted work after a while.
    async Task FilesShouldBeAsync(IEnumerable<string> expected)
    {
        var wanted = expected.Order(StringComparer.Ordinal).ToArray();
        var watch = Stopwatch.StartNew();
        string[] files;
        do
        {
            await Task.Delay(100, Token);
            // The readiness check writes .probe into the directory.
            files = [.. Directory.GetFiles(Path.Combine(images, "profile")).Select(f => Path.GetFileName(f)!).Where(f => f != ".probe")
                .Order(StringComparer.Ordinal)];
        }
        while (!files.SequenceEqual(wanted) && watch.Elapsed < TimeSpan.FromSeconds(60));
        files.ShouldBe(wanted);
    }

    static object? Scalar(string database, string sql)
    {
        using var connection = new NpgsqlConnection($"{database};Application Name=test");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    /// <summary>Throws at HAProxy's own answers (502, 503, 504 in HTML): no instance answered, and the API document lacks them.</summary>
    sealed class ProxyAnswers : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (answer.Content.Headers.ContentType?.MediaType != "text/html")
                return answer;
            using (answer)
                throw new HttpRequestException($"The proxy answered {(int)answer.StatusCode}.", null, answer.StatusCode);
        }
    }

    /// <summary>HAProxy in front of instances on free ports; it retries only requests that it could not deliver.</summary>
    sealed class Proxy : IAsyncDisposable
    {
        readonly string directory = TemporaryDirectory.Make("proxy");
        Process? process;

        public Proxy(int instances)
        {
            Address = Free();
            Instances = [.. Enumerable.Range(0, instances).Select(_ => Free())];
        }

        public Uri Address { get; }

        public IReadOnlyList<Uri> Instances { get; }

        public async Task StartAsync(HttpClient client)
        {
            var file = Path.Combine(directory, "haproxy.cfg");
            await File.WriteAllTextAsync(file, $"""
                defaults
                    mode http
                    timeout connect 2s
                    timeout client 20s
                    timeout server 20s
                    retries 2
                    option redispatch 1
                frontend clients
                    bind 127.0.0.1:{Address.Port}
                    default_backend instances
                backend instances
                    balance leastconn
                    option httpchk
                    http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host localhost
                    http-check expect status 200
                    default-server check inter 500ms fall 2 rise 1
                {string.Join('\n', Instances.Select((i, n) => $"    server instance{n} 127.0.0.1:{i.Port}"))}

                """, Token);
            string[] arguments = ["-db", "-f", file];
            process = Process.Start(
                new ProcessStartInfo("haproxy", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            // Reads and drops the output: a full pipe would block HAProxy.
            process.BeginErrorReadLine();
            process.BeginOutputReadLine();
            var watch = Stopwatch.StartNew();
            while (true)
            {
                try
                {
                    if ((await client.GetAsync("/health/ready", Token)).StatusCode == HttpStatusCode.OK)
                        return;
                }
                catch (HttpRequestException) when (watch.Elapsed < TimeSpan.FromSeconds(10) && !process.HasExited)
                {
                    await Task.Delay(50, Token);
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (process is null)
                return;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        static Uri Free() => new($"http://127.0.0.1:{FreePort.Take()}");
    }
}
