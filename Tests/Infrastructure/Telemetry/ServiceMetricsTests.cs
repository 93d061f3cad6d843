using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Telemetry;

namespace Profiles.Tests.Infrastructure.Telemetry;

[Trait("Database", "Sqlite")]
public sealed partial class ServiceMetricsTests
{
    [Fact]
    public void The_page_and_the_dashboard_have_every_instrument_and_no_other()
    {
        var page = Read("docs", "observing.md");
        var dashboard = Read("deploy", "observe", "grafana", "profiles.json");
        var instruments = Instruments();
        instruments.Count.ShouldBeGreaterThan(10);
        foreach (var instrument in instruments)
        {
            page.ShouldContain($"| `{instrument.Name}` | {Kind(instrument)} | `{instrument.Unit}` |");
            dashboard.ShouldContain(instrument.Name.Replace('.', '_'));
        }
        Row().Matches(page).Select(m => m.Groups[1].Value).ShouldBe(instruments.Select(i => i.Name), ignoreOrder: true);
    }

    [Fact]
    public void The_page_has_every_alert_and_no_other()
    {
        var alerts = Alert().Matches(Read("deploy", "observe", "alerts.yaml")).Select(m => m.Groups[1].Value).ToArray();
        alerts.Length.ShouldBeGreaterThan(10);
        AlertRow().Matches(Read("docs", "observing.md")).Select(m => m.Groups[1].Value).ShouldBe(alerts);
    }

    static List<Instrument> Instruments()
    {
        using var services = new ServiceCollection().AddMetrics().AddTelemetry().BuildServiceProvider();
        var (factory, found) = (services.GetRequiredService<IMeterFactory>(), new List<Instrument>());
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Scope == factory)
                    found.Add(instrument);
            },
        };
        listener.Start();
        var metrics = services.GetRequiredService<ServiceMetrics>();
        metrics.ObservePasswords(() => 0);
        metrics.ObserveImages(() => 0);
        metrics.ObserveOutbox(() => [], () => []);
        return found;
    }

    static string Kind(Instrument instrument) => instrument switch
    {
        Counter<long> => "counter",
        Histogram<double> => "histogram",
        _ => "gauge",
    };

    static string Read(params string[] path) => File.ReadAllText(Path.Combine([ArchitectureTests.Repository(), .. path]));

    [GeneratedRegex(@"^\| `(profiles\.[a-z.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();

    [GeneratedRegex(@"^\| `(Profiles\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex AlertRow();
}
