using System.Collections.Frozen;
using System.Diagnostics;

namespace Profiles.Infrastructure.Exporters;

/// <summary>
/// Removes from each span what may name a person or a client: paths and queries contain usernames, ids and tokens, and further attributes
/// client addresses, user agents and what a client calls the host. What is kept is listed, so that an attribute of a later version is not.
/// A processor of OpenTelemetry would be a class whose base is in its assembly, which would be loaded with this one, also when nothing
/// exports.
/// </summary>
sealed class SpanAttributes : IDisposable
{
    static readonly FrozenSet<string> Kept = new[]
    {
        "http.request.method", "http.route", "http.response.status_code", "url.scheme", "network.protocol.version", "error.type",
        "db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text", "db.operation.name",
        "db.response.status_code", "otel.status_code",
    }.ToFrozenSet();

    // The servers that this service calls.
    static readonly FrozenSet<string> KeptOfCalls = new[] { "server.address", "server.port" }.ToFrozenSet();

    readonly ActivityListener listener = new() { ShouldListenTo = _ => true, ActivityStopped = Filter };

    /// <summary>
    /// Filters the spans that end from now on. Made before the exporter listens: listeners are called in their order.
    /// </summary>
    public SpanAttributes() => ActivitySource.AddActivityListener(listener);

    public void Dispose() => listener.Dispose();

    static void Filter(Activity span)
    {
        foreach (var (key, _) in span.TagObjects.Where(t => !IsKept(span, t.Key)).ToArray())
            span.SetTag(key, null);
        // The description is an exception's message.
        span.SetStatus(span.Status);
    }

    static bool IsKept(Activity span, string key) =>
        Kept.Contains(key) || (span.Kind == ActivityKind.Client && KeptOfCalls.Contains(key));
}
