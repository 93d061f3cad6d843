using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Profiles.Data;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Exporters;

/// <summary>Reads the outbox for its gauges: at the start, and after they were read, since nobody else needs it.</summary>
sealed class OutboxGauges(
    DatabaseStart database, DatabaseEngine engine, ServiceMetrics metrics, TimeProvider clock, ILogger<OutboxGauges> log)
    : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    static readonly string Query = $"""
        SELECT store, CASE WHEN state = {OutboxState.Dead:D} THEN 1 ELSE 0 END, count(*), min(created_at) FROM outbox GROUP BY 1, 2
        """;

    // Kinds without an entry are reported as well: a query cannot tell a missing series from none.
    static readonly (OutboxStore Store, bool IsDead)[] Kinds =
        [.. Enum.GetValues<OutboxStore>().Select(s => (s, false)), (OutboxStore.Webhook, true)];

    readonly Channel<bool> reads = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    volatile IReadOnlyList<Depth> latest = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.ObserveOutbox(
            () => Read().Select(d => new Measurement<long>(d.Entries, d.Labels)),
            () => Read().Select(d => new Measurement<double>(d.Age, d.Labels)));
        try
        {
            await database.Ready.WaitAsync(stoppingToken);
            do
            {
                latest = await TryReadAsync(stoppingToken);
                await Task.Delay(Interval, clock, stoppingToken);
            }
            while (await reads.Reader.ReadAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops.
        }
    }

    IReadOnlyList<Depth> Read()
    {
        reads.Writer.TryWrite(true);
        return latest;
    }

    async Task<IReadOnlyList<Depth>> TryReadAsync(CancellationToken ct)
    {
        try
        {
            var now = clock.GetUtcNow().UtcDateTime;
            var found = await engine.ReadAsync(
                Query,
                row => new Depth(
                    ((OutboxStore)row.GetInt32(0), row.GetInt32(1) == 1), row.GetInt64(2),
                    Math.Max(0, (now - row.GetDateTime(3)).TotalSeconds)),
                ct);
            return [.. found, .. Kinds.Except(found.Select(d => d.Kind)).Select(kind => new Depth(kind, 0, 0))];
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            // The database is away; the requests that fail for it log that. Old values would look like a healthy outbox.
            log.LogDebug(e, "The outbox cannot be read for its gauges; the next interval retries.");
            return [];
        }
    }

    sealed record Depth((OutboxStore Store, bool IsDead) Kind, long Entries, double Age)
    {
        public KeyValuePair<string, object?>[] Labels { get; } =
            [new("kind", Words.Of(Kind.Store.ToString())), new("state", Kind.IsDead ? "dead" : "waiting")];
    }
}
