using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Logging;
using Profiles.Infrastructure.Settings;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Infrastructure.Exporters;

/// <summary>
/// Exports traces, metrics and logs over OTLP by OpenTelemetry's variables, and metrics to Prometheus by <see cref="MetricsOptions"/>. The
/// methods that use OpenTelemetry are called only then and not inlined, so that none of its assemblies is loaded for anybody else.
/// </summary>
static class ExportersSetup
{
    const string MetricsPath = "/metrics", Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL",
        Grpc = "grpc";

    static readonly string[] Signals = ["TRACES", "METRICS", "LOGS"];

    // The meters, and the labels that are kept where others have IP addresses or, as the pool's name of Npgsql, a connection string.
    static readonly Dictionary<string, string[]?> Meters = new()
    {
        [ServiceMetrics.Name] = null,
        ["Microsoft.AspNetCore.Hosting"] = null,
        ["Microsoft.AspNetCore.Server.Kestrel"] = ["network.protocol.name", "network.protocol.version", "error.type"],
        ["System.Net.Http"] =
            ["http.request.method", "http.response.status_code", "http.connection.state", "server.address", "error.type"],
        ["System.Runtime"] = null,
        ["Npgsql"] = ["db.client.connection.state", "state", "error.type"],
    };

    public static void AddExporters(this WebApplicationBuilder builder)
    {
        builder.Services.AddSection<MetricsOptions>("Metrics");
        var configuration = builder.Configuration;
        var isOff = bool.TryParse(configuration["OTEL_SDK_DISABLED"], out var isDisabled) && isDisabled;
        var hasPort = configuration["Metrics:Port"] is not null && !isOff;
        builder.Services.AddSingleton(p =>
        {
            var options = p.GetRequiredService<IOptions<MetricsOptions>>().Value;
            return ExtraListener.Of("Metrics__Port", MetricsPath, options.Address, isOff ? null : options.Port);
        });
        string[] signals = isOff ? [] : [.. Signals.Where(s => IsExported(configuration, s))];
        if (signals.Length > 0 || hasPort)
            Export(builder, signals, hasPort);
    }

    /// <summary>Serves the metrics when they have a port.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        if (app.Services.GetServices<ExtraListener>().Any(l => l is { Path: MetricsPath, EndPoint: not null }))
            Map(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Map(WebApplication app) =>
        app.MapPrometheusScrapingEndpoint(MetricsPath).AllowAnonymous().DisableHttpMetrics().WithMetadata(new ProbeMetadata());

    static string Variable(string signal, string name) => $"OTEL_EXPORTER_OTLP_{signal}_{name}";

    static bool IsExported(ConfigurationManager configuration, string signal)
    {
        if (configuration[$"OTEL_{signal}_EXPORTER"] == "none" || !HasEndpoint(configuration, signal))
            return false;
        foreach (var variable in new[] { Variable(signal, "PROTOCOL"), Protocol })
        {
            if (configuration[variable] is { Length: > 0 } protocol && protocol is not (Grpc or "http/protobuf"))
                throw new StartException($"{variable} must be {Grpc} or http/protobuf.");
        }
        return true;
    }

    static bool HasEndpoint(ConfigurationManager configuration, string signal)
    {
        foreach (var variable in new[] { Variable(signal, "ENDPOINT"), Endpoint })
        {
            if (configuration[variable] is not { Length: > 0 } address)
                continue;
            return HttpAddressAttribute.Is(address.TrimEnd('/'), mayHavePath: true)
                ? true : throw new StartException($"{variable} must be an http or https address without query.");
        }
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Export(WebApplicationBuilder builder, string[] signals, bool hasPort)
    {
        var configuration = builder.Configuration;
        // The variables OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and prevail.
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(r => r
            .Clear().AddTelemetrySdk().AddService("profiles").AddEnvironmentVariableDetector());
        if (signals.Contains("METRICS") || hasPort)
        {
            builder.Services.AddHostedService<OutboxGauges>();
            telemetry.WithMetrics(metrics =>
            {
                metrics.AddMeter([.. Meters.Keys]).AddView(instrument => Meters.GetValueOrDefault(instrument.Meter.Name) is { } labels
                    ? new MetricStreamConfiguration { TagKeys = labels }
                    : null);
                if (signals.Contains("METRICS"))
                    metrics.AddOtlpExporter(o => Configure(o, configuration, "METRICS"));
                if (hasPort)
                    metrics.AddPrometheusExporter();
            });
        }
        if (signals.Contains("TRACES"))
        {
            // No events: those of Npgsql are exceptions with their text and stack, which it has no option for.
            configuration["OTEL_SPAN_EVENT_COUNT_LIMIT"] = "0";
            builder.Services.AddSingleton<SpanAttributes>()
                .ConfigureOpenTelemetryTracerProvider((provider, _) => provider.GetRequiredService<SpanAttributes>());
            telemetry.WithTracing(traces => traces
                .AddSource(ServiceMetrics.Name).AddHttpClientInstrumentation().AddNpgsql()
                // Without the scrapes.
                .AddAspNetCoreInstrumentation(o => o.Filter = context => !context.Request.Path.StartsWithSegments(MetricsPath))
                .AddOtlpExporter(o => Configure(o, configuration, "TRACES")));
        }
        // The same lines as the JSON log. They have a trace id of their own, which is its only scope.
        if (signals.Contains("LOGS"))
        {
            telemetry.WithLogging(
                logs => logs.AddOtlpExporter(o => Configure(o, configuration, "LOGS")), o => o.IncludeFormattedMessage = true);
        }
    }

    // The exporter itself reads the variables of all signals, and those of one only where every signal is exported.
    static void Configure(OtlpExporterOptions options, ConfigurationManager configuration, string signal)
    {
        string? Of(string name) => configuration[Variable(signal, name)] is { Length: > 0 } value ? value : null;
        if (Of("PROTOCOL") is { } protocol)
            options.Protocol = protocol == Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        if (Of("ENDPOINT") is { } endpoint)
            options.Endpoint = new(endpoint);
        if (Of("HEADERS") is { } headers)
            options.Headers = headers;
        if (int.TryParse(Of("TIMEOUT"), out var milliseconds))
            options.TimeoutMilliseconds = milliseconds;
    }
}
