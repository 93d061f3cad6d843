using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Infrastructure.Exporters;

/// <summary>One service whose metrics, traces and logs go to Prometheus and to a collector, after requests of every kind.</summary>
public sealed class ObservedServer : IAsyncLifetime
{
    public const string Email = "observed.person@example.com", Username = "observed_person", Query = "token=observed-secret",
        Agent = "ObservedAgent/1.0";

    const string Password = "correct horse battery staple";

    Collector collector = null!;

    public ServerProcess Server { get; private set; } = null!;

    public Uri MetricsAddress { get; } = new($"http://127.0.0.1:{FreePort.Take()}/metrics");

    /// <summary>The last scrape.</summary>
    public string Metrics { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        collector = await Collector.StartAsync();
        // An operator may ask for it when something is wrong; the values of rows are still nobody's business.
        var postgreSql = TestDatabase.For(TemporaryDirectory.Make("observed"));
        (string, string)[] database =
            postgreSql is null ? [] : [("ConnectionStrings__Profiles", $"{postgreSql};Include Error Detail=true")];
        Server = await ServerProcess.StartAsync(
        [
            .. database,
            ("Metrics__Port", $"{MetricsAddress.Port}"), ("Limits__Enabled", "true"), ("Limits__PublicProfiles", "1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            // Of one event: Npgsql's span of a batch has no status code.
            ("Webhooks__Endpoints", $"away http://127.0.0.1:{FreePort.Take()}/ {Webhooks.WebhooksFixture.Secret} user.created"),
            ("Webhooks__AllowPrivateNetworks", "true"), ("OTEL_SERVICE_NAME", "observed"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ]);
        await UseAsync();
        if (postgreSql is not null)
            await TakeUsernameAsync(postgreSql);
        // Mails and webhooks leave in the background.
        await UntilAsync(async () =>
        {
            Metrics = await Server.Client.GetStringAsync(MetricsAddress);
            return Metrics.Contains("profiles_mails_total", StringComparison.Ordinal)
                && Metrics.Contains("profiles_webhooks_total", StringComparison.Ordinal)
                && Metrics.Contains("profiles_outbox_entries", StringComparison.Ordinal);
        });
    }

    /// <summary>What the collector has received, once it contains a text.</summary>
    public async Task<string> ReceivedAsync(string signal, string awaited)
    {
        await UntilAsync(() => Task.FromResult(collector.Received(signal).Contains(awaited, StringComparison.Ordinal)), awaited);
        return collector.Received(signal);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await collector.DisposeAsync();
    }

    async Task UseAsync()
    {
        var client = Server.Client;
        client.DefaultRequestHeaders.UserAgent.ParseAdd(Agent);
        foreach (var status in new[] { HttpStatusCode.Created, HttpStatusCode.Conflict })
            await (await client.PostAsJsonAsync("/register", new { name = "A", email = Email, password = Password })).ShouldBeAsync(status);
        var wrong = new { email = Email, password = "not the password" };
        await (await client.PostAsJsonAsync($"/login?{Query}", wrong)).ShouldBeAsync(HttpStatusCode.Unauthorized);
        var login = await (await client.PostAsJsonAsync("/login", new { email = Email, password = Password }))
            .ShouldBeAsync(HttpStatusCode.OK);

        string[] tokens = [login.GetProperty("refresh_token").GetString()!, ""];
        foreach (var (token, status) in new[] { (0, HttpStatusCode.OK), (1, HttpStatusCode.OK), (0, HttpStatusCode.Unauthorized) })
        {
            var refreshed = await (await client.PostAsJsonAsync("/token/refresh", new { refresh_token = tokens[token] }))
                .ShouldBeAsync(status);
            if (status == HttpStatusCode.OK)
                tokens[1] = refreshed.GetProperty("refresh_token").GetString()!;
        }
        login = await (await client.PostAsJsonAsync("/login", new { email = Email, password = Password })).ShouldBeAsync(HttpStatusCode.OK);
        client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", login.GetProperty("access_token").GetString());
        var ct = TestContext.Current.CancellationToken;
        (await client.UploadAsync(TestImage.Png(8, 8, 1, 2, 3), ct)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.UploadAsync("no image at all"u8.ToArray(), ct)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        await client.GetAsync($"/users/{Username}", ct);
        (await client.GetAsync($"/users/{Username}", ct)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await client.GetAsync("/me/export", ct)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    // A statement that a unique index refuses, whose message has the value where the server may tell it.
    async Task TakeUsernameAsync(string postgreSql)
    {
        await using (var db = TestDatabase.Open("", postgreSql))
        {
            await db.Database.ExecuteSqlAsync($"""
                WITH other AS (
                    INSERT INTO users (created_at, email, normalized_email, password_hash)
                    VALUES (now(), 'other@example.com', 'other@example.com', 'x') RETURNING id)
                INSERT INTO user_profiles (user_id, name, username, is_public, version, updated_at)
                SELECT id, 'Other', {Username}, false, 1, now() FROM other
                """);
        }
        var patch = new StringContent(
            $$"""{"username":"{{Username}}"}""", new MediaTypeHeaderValue("application/merge-patch+json"));
        (await Server.Client.PatchAsync("/me", patch)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    static async Task UntilAsync(Func<Task<bool>> done, string? awaited = null)
    {
        for (var tries = 0; !await done(); tries++)
        {
            tries.ShouldBeLessThan(300, awaited);
            await Task.Delay(100);
        }
    }
}

[Trait("Needs", "Process")]
public sealed partial class ExportersTests(ObservedServer observed) : IClassFixture<ObservedServer>
{
    [Fact]
    public void Each_event_is_counted_with_its_outcome()
    {
        string[] series =
        [
            "profiles_registrations_total{outcome=\"success\"} 1", "profiles_registrations_total{outcome=\"refused\"} 1",
            "profiles_logins_total{outcome=\"success\"} 2", "profiles_logins_total{outcome=\"refused\"} 1",
            "profiles_refreshes_total{outcome=\"success\"} 2", "profiles_refreshes_total{outcome=\"reused\"} 1",
            "profiles_limits_exceeded_total{limit=\"public_profiles\"} 1", "profiles_mails_total{outcome=\"success\"} 1",
            "profiles_images_decode_duration_seconds_count{format=\"png\",outcome=\"success\"} 1",
            "profiles_images_decode_duration_seconds_count{format=\"other\",outcome=\"invalid_image\"} 1",
            "profiles_images_wait_duration_seconds_count{outcome=\"success\"} 1", "profiles_images_waiting{} 0",
            "profiles_passwords_hash_duration_seconds_count{outcome=\"success\"} 5", "profiles_passwords_waiting{} 0",
            "profiles_storage_call_duration_seconds_count{operation=\"save\",outcome=\"success\",storage=\"local_images\"} 1",
            "profiles_storage_call_duration_seconds_count{operation=\"read\",outcome=\"success\",storage=\"local_images\"} 1",
        ];
        var scraped = Scope().Replace(observed.Metrics, "").Split('\n');
        series.Where(s => !scraped.Contains(s)).ShouldBeEmpty(observed.Metrics);
        scraped.ShouldContain(s => s.StartsWith("profiles_outbox_age_seconds{kind=\"mail\",state=\"waiting\"} ", StringComparison.Ordinal));
        scraped.ShouldContain(s => s.StartsWith("profiles_webhooks_total{outcome=\"error\"} ", StringComparison.Ordinal));
        scraped.ShouldContain(s => s.Contains("http_route=\"/users/{username}\"", StringComparison.Ordinal));
    }

    [Fact]
    public void No_label_has_an_address_an_id_or_a_clients_text()
    {
        var labels = Label().Matches(observed.Metrics).Select(m => (Name: m.Groups[1].Value, Value: m.Groups[2].Value))
            .Distinct().ToArray();
        string[] known =
        [
            "otel_scope_name", "otel_scope_version", "outcome", "limit", "format", "storage", "operation", "kind", "state", "le",
            "http_route", "http_request_method", "http_response_status_code", "http_connection_state", "url_scheme",
            "network_protocol_name", "network_protocol_version", "error_type", "aspnetcore_request_is_unhandled", "server_address",
            "gc_heap_generation", "cpu_mode", "db_client_connection_state",
            "service_name", "service_instance_id", "telemetry_sdk_name", "telemetry_sdk_language", "telemetry_sdk_version",
        ];
        labels.Length.ShouldBeGreaterThan(40);
        labels.Select(l => l.Name).Except(known).ShouldBeEmpty();
        // The server of this service's own calls: the collector.
        labels.Where(l => l.Name == "server_address").Select(l => l.Value).ShouldBe(["127.0.0.1"]);
        foreach (var secret in new[] { ObservedServer.Email, ObservedServer.Username, "observed-secret", ObservedServer.Agent })
            observed.Metrics.ShouldNotContain(secret);
    }

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("grafana/profiles.json")]
    public void Every_metric_that_the_dashboard_and_the_alerts_name_is_emitted(string file)
    {
        var text = File.ReadAllText(Path.Combine(ArchitectureTests.Repository(), "deploy", "observe", file));
        var labels = Label().Matches(observed.Metrics).Select(m => m.Groups[1].Value);
        var named = Name().Matches(text).Select(m => m.Value).Except(labels).ToArray();
        named.Length.ShouldBeGreaterThan(8);
        named.Except(observed.Metrics.Split('\n').Select(l => l.Split('{', ' ')[0])).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_port_serves_the_metrics_and_no_other_port_does()
    {
        var ct = TestContext.Current.CancellationToken;
        using var scraper = new HttpClient();
        foreach (var path in new[] { "/", "/me", "/health/live", "/openapi/v1.json", "/metricsx" })
            (await scraper.GetAsync(new Uri(observed.MetricsAddress, path), ct)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var hidden = await observed.Server.Client.GetAsync("/metrics", ct);
        await hidden.ShouldBeProblemAsync(HttpStatusCode.NotFound);
        var unknown = await observed.Server.Client.GetAsync("/nowhere", ct);
        Body(await hidden.Content.ReadAsStringAsync(ct)).ShouldBe(Body(await unknown.Content.ReadAsStringAsync(ct)));
        // ShutdownTests find none of these where nothing is exported.
        new LinuxProcess(observed.Server.ProcessId).Loaded.ShouldContain(f => Path.GetFileName(f) == "OpenTelemetry.dll");
        // A scraper knows an instance by its address.
        using var request = new HttpRequestMessage(HttpMethod.Get, observed.MetricsAddress) { Headers = { Host = "10.0.0.7:9464" } };
        (await scraper.SendAsync(request, ct)).StatusCode.ShouldBe(HttpStatusCode.OK);

        static string Body(string problem) => TraceId().Replace(problem, "");
    }

    [Fact]
    public async Task Spans_have_the_route_and_nothing_that_names_a_client()
    {
        await observed.ReceivedAsync("traces", "hash password");
        await observed.ReceivedAsync("traces", "decode image");
        // Of the username that is taken.
        if (TestDatabase.IsPostgreSql)
            await observed.ReceivedAsync("traces", "db.response.status_code");
        var traces = await observed.ReceivedAsync("traces", "GET /users/{username}");
        traces.ShouldContain("http.route");
        traces.ShouldContain("observed");
        string[] unwanted =
        [
            ObservedServer.Email, ObservedServer.Username, ObservedServer.Query, ObservedServer.Agent, "url.path", "url.query", "url.full",
            "user_agent", "client.address", "peer", "connection_string",
            "exception.message", "stacktrace", "duplicate key", "Npgsql.PostgresException",
        ];
        foreach (var text in unwanted)
            traces.ShouldNotContain(text);
    }

    [Fact]
    public async Task Logs_and_metrics_are_exported_as_they_are_logged_and_scraped()
    {
        var logs = await observed.ReceivedAsync("logs", "POST /login answered 401");
        foreach (var member in new[] { "Method", "Route", "Status", "Milliseconds", "UserId" })
            logs.ShouldContain(member);
        foreach (var text in new[] { ObservedServer.Email, ObservedServer.Username, "observed-secret", ObservedServer.Agent })
            logs.ShouldNotContain(text);
        (await observed.ReceivedAsync("metrics", "profiles.logins")).ShouldNotContain(ObservedServer.Email);
        // The log of the standard output goes on.
        observed.Server.Output.ShouldContain("POST /login answered 401");
        // Without the scrapes.
        observed.Server.Output.ShouldNotContain("/metrics answered 200");
    }

    [GeneratedRegex("otel_scope_name=\"[^\"]*\",?")]
    private static partial Regex Scope();

    [GeneratedRegex("[{,](\\w+)=\"([^\"]*)\"")]
    private static partial Regex Label();

    [GeneratedRegex("\\b(profiles|http|kestrel|dotnet|db)_\\w+")]
    private static partial Regex Name();

    [GeneratedRegex("\"trace_id\":\"\\w+\"")]
    private static partial Regex TraceId();
}
