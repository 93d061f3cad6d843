using System.ComponentModel.DataAnnotations;
using System.Net;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Exporters;

/// <summary>Settings of <c>GET /metrics</c> for Prometheus. OpenTelemetry has its own variables (docs/observing.md).</summary>
public sealed class MetricsOptions
{
    /// <summary>The port that serves <c>/metrics</c> and nothing else, 1 to 65535. Without it no port does.</summary>
    [Range(1, IPEndPoint.MaxPort)]
    public int? Port { get; set; }

    /// <summary>The IP address to listen on: <c>0.0.0.0</c> or <c>::</c> for every network, as in the container image.</summary>
    [IPAddress]
    public string Address { get; set; } = "127.0.0.1";
}
