using System.Collections.Frozen;
using System.Diagnostics;

namespace Profiles.Infrastructure.Exporters;

/// <summary>
/// Removes from each span what may name a person or a client: paths and queries contain usernames, ids and tokens, and further attributes
/// client addresses, user agents and what a client calls the host. What is kept is listed, so that an attribute of a later version is not.
/// </summary>
static class SpanAttributes
{
    static readonly FrozenSet<string> Kept = new[]
    {
        "http.request.method", "http.route", "http.response.status_code", "url.scheme", "network.protocol.version", "error.type",
        "db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text", "db.operation.name",
        "db.response.status_code", "otel.status_code", "outcome", "format",
    }.ToFrozenSet();

    // The servers that this service calls.
    static readonly FrozenSet<string> KeptOfCalls = new[] { "server.address", "server.port" }.ToFrozenSet();

    /// <summary>
    /// Filters the spans that end from now on. Called before the exporter listens: listeners are called in their order. A processor of
    /// OpenTelemetry would be a class whose base is in its assembly, which would then be loaded with this one, also when nothing exports.
    /// </summary>
    public static void Filter() => ActivitySource.AddActivityListener(new()
    {
        ShouldListenTo = _ => true,
        ActivityStopped = span =>
        {
            foreach (var (key, _) in span.TagObjects.Where(t => !IsKept(span, t.Key)).ToArray())
                span.SetTag(key, null);
        },
    });

    static bool IsKept(Activity span, string key) =>
        Kept.Contains(key) || (span.Kind == ActivityKind.Client && KeptOfCalls.Contains(key));
}
